#include "gannet/detect/result_files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw Error(ErrorKind::kIo, "cannot make the folder: " + error.message(),
                {folder.string(), 0, {}});
}

// Rows "class cx cy w h [confidence]", normalised by the image size (RB 7.5).
std::string label_text(const std::vector<Detection>& detections, const cv::Size& size,
                       bool confidences) {
  std::string text;
  const auto width = static_cast<double>(size.width), height = static_cast<double>(size.height);
  for (const Detection& d : detections) {
    const Box& b = d.box_px;
    text += fmt::format("{} {:g} {:g} {:g} {:g}", d.class_id, (b.x1 + b.x2) / 2 / width,
                        (b.y1 + b.y2) / 2 / height, b.width() / width, b.height() / height);
    text += confidences ? fmt::format(" {:g}\n", d.score) : "\n";
  }
  return text;
}

/// A field of a CSV file; quoted where it has to be.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

/// A class name as the name of a folder.
std::string folder_name(const std::string& label) {
  std::string name;
  for (const char c : label)
    name += c == '/' || c == '\\' || static_cast<unsigned char>(c) < ' ' ? '_' : c;
  return name.empty() || name.starts_with('.') ? "_" + name : name;
}

/// The object with some surroundings, as release 7.0 cuts it out: 2 % and 10 px more.
cv::Rect crop_of(const Box& box, const cv::Mat& image) {
  constexpr double kGain = 1.02, kPad = 10;
  const double width = box.width() * kGain + kPad, height = box.height() * kGain + kPad;
  const double cx = (box.x1 + box.x2) / 2, cy = (box.y1 + box.y2) / 2;
  const cv::Rect wanted(
      cv::Point(static_cast<int>(cx - width / 2), static_cast<int>(cy - height / 2)),
      cv::Point(static_cast<int>(cx + width / 2), static_cast<int>(cy + height / 2)));
  return wanted & cv::Rect({}, image.size());
}

}  // namespace

GrowingFile::GrowingFile(fs::path path)
    : path_(std::move(path)), temporary_(path_.string() + fmt::format(".tmp{}", ::getpid())) {
  file_.open(temporary_, std::ios::binary);
  if (!file_) throw_io_error(path_, "write");
}

GrowingFile::~GrowingFile() {
  if (finished_) return;
  file_.close();
  std::error_code ignored;
  fs::remove(temporary_, ignored);
}

void GrowingFile::write(const std::string& text) {
  file_ << text;
  if (!file_) throw_io_error(path_, "write");
}

void GrowingFile::finish() {
  if (std::exchange(finished_, true)) return;
  file_.close();
  std::error_code error;
  if (file_) fs::rename(temporary_, path_, error);
  if (!file_ || error) throw_io_error(path_, "write");
}

ResultFiles::ResultFiles(std::vector<PlannedImage> plan, const fs::path& output,
                         const ResultOptions& options)
    : plan_(std::move(plan)), output_(output), options_(options) {
  if (options.json) {
    json_ = std::make_unique<GrowingFile>(output / kJsonFile);
    json_->write("[");
  }
  if (options.csv) {
    csv_ = std::make_unique<GrowingFile>(output / kCsvFile);
    csv_->write("image,frame,class,name,confidence,x1,y1,x2,y2\n");
  }
}

void ResultFiles::add(Frame& frame, const std::vector<Detection>& detections, int repeats) {
  if (options_.labels) write_labels(frame, detections);
  if (json_ || csv_) write_rows(frame, detections);
  if (options_.crops) write_crops(frame, detections);
  if (options_.pictures || options_.drawn) draw_detections(frame.bgr, detections, options_.draw);
  if (options_.pictures) write_picture(frame, repeats);
}

void ResultFiles::end_source(std::size_t source) {
  const auto video = videos_.find(source);
  if (video == videos_.end()) return;
  video->second.finish();
  videos_.erase(video);
}

void ResultFiles::finish() {
  while (!videos_.empty()) end_source(videos_.begin()->first);
  if (json_) {
    json_->write("\n]\n");
    json_->finish();
  }
  if (csv_) csv_->finish();
}

std::string ResultFiles::stem_of(const Frame& frame) const {
  const std::string stem = plan_.at(frame.source).labels.stem().string();
  return frame.number > 0 ? fmt::format("{}_{}", stem, frame.number) : stem;
}

void ResultFiles::write_labels(const Frame& frame, const std::vector<Detection>& detections) const {
  if (frame.number > 0 && detections.empty()) return;  // of videos only frames with objects
  const fs::path path = plan_.at(frame.source).labels.parent_path() / (stem_of(frame) + ".txt");
  write_file_atomically(path, label_text(detections, frame.bgr.size(), options_.confidences));
}

void ResultFiles::write_rows(const Frame& frame, const std::vector<Detection>& detections) {
  const std::string& source = plan_.at(frame.source).source;
  for (const Detection& d : detections) {
    const Box& b = d.box_px;
    if (csv_)
      csv_->write(fmt::format("{},{},{},{},{:g},{:g},{:g},{:g},{:g}\n", csv_field(source),
                              frame.number > 0 ? std::to_string(frame.number) : "", d.class_id,
                              csv_field(d.label), d.score, b.x1, b.y1, b.x2, b.y2));
    if (!json_) continue;
    nlohmann::ordered_json row = {{"image", source}};
    if (frame.number > 0) row["frame"] = frame.number;
    row["class"] = d.class_id;
    row["name"] = d.label;
    row["confidence"] = d.score;
    row["box"] = {b.x1, b.y1, b.x2, b.y2};
    json_->write((std::exchange(first_row_, false) ? "\n" : ",\n") +
                 row.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
}

void ResultFiles::write_crops(const Frame& frame, const std::vector<Detection>& detections) {
  for (const Detection& d : detections) {
    const cv::Rect part = crop_of(d.box_px, frame.bgr);
    if (part.empty()) continue;
    const fs::path folder = output_ / kCropFolder / folder_name(d.label);
    if (crops_.insert(folder.string()).second) make_folder(folder);
    const std::string stem = stem_of(frame);
    std::string name = stem;
    for (int n = 2; !crops_.insert((folder / name).string()).second; ++n)
      name = fmt::format("{}_{}", stem, n);
    save_picture(folder / (name + ".jpg"), frame.bgr(part));
  }
}

void ResultFiles::write_picture(const Frame& frame, int repeats) {
  const fs::path& path = plan_.at(frame.source).picture;
  if (frame.number == 0) return save_picture(path, frame.bgr);
  auto video = videos_.find(frame.source);
  if (video == videos_.end())
    video = videos_
                .emplace(frame.source, VideoWriter(path, frame.video.fps / options_.video_stride,
                                                   frame.bgr.size()))
                .first;
  for (int i = 0; i < repeats; ++i) video->second.write(frame.bgr);
}

}  // namespace gannet
