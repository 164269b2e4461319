// Figures of a trained model, each class by itself: evaluate_model best.pt data.yaml
#include <gannet/gannet.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    gannet::ValSettings settings;
    settings.weights = argv[1];
    settings.data = argv[2];
    settings.img_size = 96;
    const gannet::EvalReport report = gannet::evaluate(settings);
    std::cout << report.num_images << " images: mAP@.5 " << report.mean.map50 << "\n";
    for (const gannet::ClassMetrics& c : report.classes)
      std::cout << report.names.at(static_cast<std::size_t>(c.class_id)) << ": " << c.ap50()
                << "\n";
  } catch (const gannet::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
