#include "gannet/train/run_saver.h"

#include <fmt/format.h>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/train/rank_states.h"
#include "gannet/train/run_checkpoint.h"
#include "gannet/train/run_files.h"

namespace gannet {

RunSaver::RunSaver(SavedRun run)
    : run_(std::move(run)), interval_(parse_save_every(run_.settings.train.save_every)) {
  if (!run_.comm.is_main()) return;
  std::filesystem::create_directories(run_.weights);
  remove_abandoned_files(run_.weights);
}

bool RunSaver::wants_save() const {
  return interval_.minutes > 0 &&
         std::chrono::steady_clock::now() - saved_ >=
             std::chrono::duration<double, std::ratio<60>>(interval_.minutes);
}

void RunSaver::after_step(bool agreed) {
  tell();
  if (agreed || (interval_.steps > 0 && run_.state.iteration % interval_.steps == 0))
    save({last_file()}, true);
}

void RunSaver::after_epoch(bool best, bool last) {
  const TrainSettings& settings = run_.settings.train;
  if (settings.nosave && !last) return;
  const int finished = run_.state.epoch - 1;
  std::vector<CheckpointFile> files{last_file()};
  if (best) files.push_back({run_.weights / "best.pt", finished, true, true});
  if (settings.save_period > 0 && (finished + 1) % settings.save_period == 0)
    files.push_back({run_.weights / fmt::format("epoch{}.pt", finished), finished, false, true});
  save(std::move(files), false);
}

void RunSaver::save(std::vector<CheckpointFile> files, bool may_be_left_out) {
  saved_ = std::chrono::steady_clock::now();
  if (run_.before_copy) run_.before_copy();
  const Value rank_states = gather_rank_states(run_.state, run_.common_statistics, run_.comm);
  if (!run_.comm.is_main() || (may_be_left_out && writer_.busy())) return;
  writer_.wait();
  tell();
  writer_.write(
      [this, rank_states] {
        return checkpoint_of(run_.state, run_.settings, run_.names, rank_states);
      },
      std::move(files));
}

void RunSaver::tell() {
  const auto written = writer_.take_finished();
  if (written.empty()) return;
  unsaved_.clear();
  for (const auto& [file, failure] : written) {
    if (failure.empty()) {
      run_.observers.on_checkpoint({file.path, file.epoch, file.best});
      continue;
    }
    unsaved_.push_back(failure);
    log_warning("{} could not be written: {}; the next save tries again",
                file.path.filename().string(), failure);
  }
  if (run_.settings.train.keep_periodic > 0)
    remove_old_periodic(run_.weights, run_.settings.train.keep_periodic);
}

void RunSaver::save_and_wait() {
  save({last_file()}, false);
  writer_.wait();
  tell();
  if (!unsaved_.empty())
    throw Error(ErrorKind::kIo,
                "the run was to end here, and its state could not be saved: " + unsaved_.front());
}

void RunSaver::finish() {
  if (!run_.comm.is_main()) return;
  writer_.wait();
  tell();
  if (!unsaved_.empty()) {
    writer_.write([this] { return checkpoint_of(run_.state, run_.settings, run_.names); },
                  {last_file()});
    writer_.wait();
    tell();
  }
  if (!unsaved_.empty())
    throw Error(ErrorKind::kIo, "the trained weights could not be saved: " + unsaved_.front());
  log_info("checkpoints were written beside the training, which waited for {:.0f} ms at most",
           1000 * writer_.longest_pause_seconds());
}

}  // namespace gannet
