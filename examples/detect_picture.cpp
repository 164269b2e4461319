// Objects in one picture: detect_picture best.pt street.jpg
#include <gannet/gannet.h>

#include <iostream>
#include <opencv2/imgcodecs.hpp>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    auto detector = gannet::Detector::load(argv[1], {.image_size = 320, .confidence = 0.25});
    const cv::Mat picture = cv::imread(argv[2]);  // BGR; any source of pixels does
    for (const gannet::Detection& found :
         detector.detect({.data = picture.data, .width = picture.cols, .height = picture.rows}))
      std::cout << found.label << " " << found.score << " at " << found.box_px.x1 << ", "
                << found.box_px.y1 << "\n";
  } catch (const gannet::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
