#include "gannet/serve/run_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "gannet/serve/followed_file.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kLookEvery(2);
constexpr std::size_t kMaxRuns = 1000;
constexpr int kMaxDepth = 4;

std::int64_t changed_ns(const fs::path& file) {
  const auto stamp = stamp_of(file);
  return stamp ? stamp->changed_ns : 0;
}

std::optional<ListedRun> run_at(const fs::path& directory, std::string name) {
  const std::int64_t results = changed_ns(directory / "results.csv");
  if (results == 0) return std::nullopt;
  // The settings are written first and the report last, once there are no more epochs.
  const std::int64_t report = changed_ns(directory / "results.json");
  const bool finished = report > 0 && report >= changed_ns(directory / "settings.yaml");
  const std::int64_t newest =
      std::max({results, changed_ns(directory / "steps.jsonl"), changed_ns(directory / "log.txt")});
  return ListedRun{std::move(name), directory, finished, newest / 1'000'000'000};
}

std::vector<ListedRun> find_runs(const fs::path& root) {
  std::vector<ListedRun> runs;
  if (auto run = run_at(root, fs::absolute(root).lexically_normal().filename().string())) {
    if (run->name.empty())  // a path that ends with a slash
      run->name = fs::absolute(root).lexically_normal().parent_path().filename().string();
    return {std::move(*run)};
  }
  std::error_code error;
  const auto options = fs::directory_options::skip_permission_denied;
  for (auto it = fs::recursive_directory_iterator(root, options, error);
       !error && it != fs::recursive_directory_iterator() && runs.size() < kMaxRuns;
       it.increment(error)) {
    std::error_code gone;
    if (it->is_symlink(gone) || !it->is_directory(gone)) continue;
    auto run = run_at(it->path(), it->path().lexically_relative(root).generic_string());
    if (run) runs.push_back(std::move(*run));
    if (run || it.depth() + 1 >= kMaxDepth) it.disable_recursion_pending();
  }
  return runs;
}

}  // namespace

void RunFolder::show(fs::path root) {
  const std::lock_guard lock(mutex_);
  root_ = std::move(root);
  looked_.reset();
}

std::vector<ListedRun> RunFolder::runs() const {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (!looked_ || now - *looked_ >= kLookEvery) {
    runs_ = root_.empty() ? std::vector<ListedRun>() : find_runs(root_);
    std::stable_sort(runs_.begin(), runs_.end(), [](const ListedRun& a, const ListedRun& b) {
      return std::pair(-a.changed_s, a.name) < std::pair(-b.changed_s, b.name);
    });
    looked_ = now;
  }
  return runs_;
}

std::optional<fs::path> RunFolder::directory_of(const std::string& name) const {
  for (const ListedRun& run : runs())
    if (run.name == name) return run.directory;
  return std::nullopt;
}

const std::vector<std::string>& shown_pictures() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const char* kind : {"train_batch{}.jpg", "val_batch{}_labels.jpg", "val_batch{}_pred.jpg"})
      for (int i = 0; i < 3; ++i) list.push_back(fmt::format(fmt::runtime(kind), i));
    for (const char* name : {"worst_images.jpg", "confusion_matrix.png", "PR_curve.png",
                             "F1_curve.png", "P_curve.png", "R_curve.png", "labels.jpg",
                             "labels_correlogram.jpg", "anchors.png", "LR.png", "results.png"})
      list.emplace_back(name);
    return list;
  }();
  return names;
}

}  // namespace gannet
