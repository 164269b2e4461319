// A checkpoint in the form that the original reads: export_weights best.pt
#include <gannet/gannet.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    const gannet::ExportReport report = gannet::export_model(argv[1], "yolov5");
    std::cout << report.path << ": " << report.num_tensors << " tensors, compared\n";
  } catch (const gannet::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
