/* Objects in one picture, from C: detect_picture_c best.pt street.jpg 0.25 */
#include <gannet/capi/gannet_c.h>
#include <stdio.h>
#include <stdlib.h>

static void check(gannet_status status) {
  if (status == GANNET_OK) return;
  fprintf(stderr, "%s\n", gannet_last_error());
  exit(1);
}

int main(int argc, char** argv) {
  static unsigned char bytes[1 << 24]; /* of the file; gannet_detect takes pixels instead */
  gannet_options options;
  gannet_detector* detector;
  gannet_detections found;
  FILE* file = argc == 4 ? fopen(argv[2], "rb") : NULL;
  if (file == NULL) return 2;
  size_t num_bytes = fread(bytes, 1, sizeof bytes, file);
  fclose(file);

  check(gannet_init_options(&options, sizeof options));
  options.image_size = 320;
  options.confidence = atof(argv[3]);
  check(gannet_load(argv[1], &options, &detector));
  check(gannet_detect_encoded(detector, bytes, num_bytes, &found));
  for (size_t i = 0; i < found.count; ++i) {
    const gannet_detection* d = &found.items[i];
    printf("%s %.3f at %.1f, %.1f\n", gannet_class_name(detector, d->class_id), d->score, d->x1,
           d->y1);
  }
  gannet_free_detections(&found);
  gannet_free_detector(detector);
  return 0;
}
