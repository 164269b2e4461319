#include "gannet/eval/coco_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "gannet/core/atomic_file.h"
#include "gannet/dist/communicator.h"

namespace gannet {
namespace {

constexpr int kCocoClasses = 80;
/// Numbers from 1 to 90 that COCO never gave to a category.
constexpr std::array kUnusedIds{12, 26, 29, 30, 45, 66, 68, 69, 71, 83};

std::int64_t coco_category(int class_id) {
  int id = class_id + 1;
  for (const int unused : kUnusedIds) id += unused <= id ? 1 : 0;
  return id;
}

nlohmann::json image_id(const IndexedImage& image) {
  if (image.id >= 0) return image.id;
  const std::string stem = std::filesystem::path(image.path).stem().string();
  const bool is_number = !stem.empty() && stem.size() <= 18 &&
                         stem.find_first_not_of("0123456789") == std::string::npos;
  return is_number ? nlohmann::json(std::stoll(stem)) : nlohmann::json(stem);
}

double rounded(double value, double steps) { return std::round(value * steps) / steps; }

}  // namespace

std::optional<std::int64_t> CocoResults::category_of(int class_id) const {
  if (!numbers_.empty()) {
    const auto found = std::find(numbers_.begin(), numbers_.end(), class_id);
    if (found == numbers_.end()) return std::nullopt;
    class_id = static_cast<int>(found - numbers_.begin());
  }
  const auto& ids = index_->category_ids;
  if (!ids.empty()) return ids[static_cast<std::size_t>(class_id)];
  return num_classes_ == kCocoClasses ? coco_category(class_id) : class_id;
}

void CocoResults::add(const ImageResult& image) {
  const IndexedImage& entry = index_->images.at(static_cast<std::size_t>(image.sample->index));
  std::string& rows = rows_[image.sample->index];
  constexpr double kPixelSteps = 1e3, kScoreSteps = 1e5;
  for (const Detection& d : image.detections) {
    const Box& b = d.box_px;
    const auto category = category_of(d.class_id);
    if (!category) continue;
    const nlohmann::json row = {
        {"image_id", image_id(entry)},
        {"category_id", *category},
        {"bbox",
         {rounded(b.x1, kPixelSteps), rounded(b.y1, kPixelSteps), rounded(b.width(), kPixelSteps),
          rounded(b.height(), kPixelSteps)}},
        {"score", rounded(d.score, kScoreSteps)}};
    rows += (rows.empty() ? "" : ",\n") + row.dump();
  }
}

void CocoResults::gather(Communicator& comm) {
  const auto bytes = nlohmann::json::to_cbor(rows_);
  for (const std::string& share : comm.gather("eval.detections", {bytes.begin(), bytes.end()}))
    rows_.merge(nlohmann::json::from_cbor(share).get<std::map<std::int64_t, std::string>>());
}

void CocoResults::write(const std::filesystem::path& path) const {
  std::string text;
  for (const auto& [index, rows] : rows_)
    if (!rows.empty()) text += (text.empty() ? "" : ",\n") + rows;
  write_file_atomically(path, "[" + text + "]\n");
}

}  // namespace gannet
