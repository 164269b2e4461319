// Trains a small detector on the demo data set and listens to the run: train_detector FOLDER
#include <gannet/gannet.h>

#include <filesystem>
#include <iostream>
#include <memory>

namespace {

// Anything that wants to know how a run gets on overrides what it needs of RunObserver.
class LossPrinter : public gannet::RunObserver {
 public:
  void on_epoch_end(const gannet::EpochRow& row) override {
    std::cout << "epoch " << row.epoch << ": loss " << row.loss.total << ", mAP@.5 "
              << row.metrics.map50 << "\n";
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path folder = argv[1];
  try {
    gannet::make_demo_dataset(folder / "data");
    gannet::Settings settings = gannet::load_settings("");  // the defaults
    settings.train.data = (folder / "data/demo.yaml").string();
    settings.train.cfg = "yolov5n-csp.yaml";
    settings.train.project = (folder / "runs").string();
    settings.train.img_size = {96, 96};
    settings.train.batch_size = 16;
    settings.train.epochs = 2;
    gannet::Trainer trainer(settings);
    trainer.add_observer(std::make_unique<LossPrinter>());
    const gannet::TrainReport report = trainer.run();
    std::cout << "best weights: " << report.best_checkpoint << "\n";
  } catch (const gannet::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
