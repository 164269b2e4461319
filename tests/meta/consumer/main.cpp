// The smallest embedder: asks for a detector that is not there and expects to be told so.
#include <gannet/gannet.h>

#include <iostream>

int main() {
  try {
    gannet::Detector::load("absent.pt");
  } catch (const gannet::Error& error) {
    std::cout << "told: " << error.what() << "\n";
    return 0;
  }
  return 1;
}
