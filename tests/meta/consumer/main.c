/* The smallest embedder in C: asks for a detector that is not there and expects to be told so. */
#include <gannet/capi/gannet_c.h>
#include <stdio.h>

int main(void) {
  gannet_options options;
  gannet_detector* detector = NULL;
  if (gannet_init_options(&options, sizeof options) != GANNET_OK) return 1;
  if (gannet_load("absent.pt", &options, &detector) == GANNET_OK) return 1;
  printf("told by gannet %s: %s\n", gannet_version(), gannet_last_error());
  return detector == NULL && options.image_size == 640 ? 0 : 1;
}
