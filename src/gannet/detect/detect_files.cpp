#include "gannet/detect/detect_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>
#include <utility>

#include "gannet/core/atomic_file.h"
#include "gannet/core/bounded_queue.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/run_directory.h"
#include "gannet/core/stopwatch.h"
#include "gannet/data/video/live_stream.h"
#include "gannet/detect/frames.h"
#include "gannet/detect/output_plan.h"
#include "gannet/detect/result_files.h"
#include "gannet/detect/source_list.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

/// So many images of equal size go through the network together.
constexpr std::size_t kBatch = 8;
/// So many results wait to be written.
constexpr std::size_t kUnwritten = 4;

// Corners as whole pixels: what is drawn is what is written (RB 10.1).
void round_corners(std::vector<Detection>& detections) {
  for (Detection& d : detections)
    d.box_px = {std::nearbyint(d.box_px.x1), std::nearbyint(d.box_px.y1),
                std::nearbyint(d.box_px.x2), std::nearbyint(d.box_px.y2)};
}

DetectorOptions detector_options(const DetectSettings& s) {
  DetectorOptions options;
  options.device = s.device;
  options.precision = s.half ? "fp16" : s.precision;
  options.image_size = s.img_size;
  options.confidence = s.conf_thres;
  options.iou = s.iou_thres;
  options.classes = s.classes;
  options.agnostic = s.agnostic_nms;
  options.augment = s.augment;
  options.max_detections = s.max_det;
  return options;
}

ResultOptions result_options(const DetectSettings& s, const DetectEvents& events) {
  ResultOptions options;
  options.drawn = events.picture != nullptr;
  options.pictures = !s.nosave;
  options.labels = s.save_txt;
  options.confidences = s.save_conf;
  options.json = s.save_json;
  options.csv = s.save_csv;
  options.crops = s.save_crop;
  options.video_stride = s.vid_stride;
  options.draw.line_thickness = s.line_thickness;
  options.draw.hide_labels = s.hide_labels;
  options.draw.hide_conf = s.hide_conf;
  return options;
}

struct LineWriter {
  std::string& text;
  template <class T>
  void operator()(const char* name, const T& value, const char*, Range) const {
    const nlohmann::json json = value;  // whose text is YAML as well
    text += fmt::format("{}: {}\n", name,
                        json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
};

std::string settings_text(const DetectSettings& settings) {
  std::string text;
  fields_of_detect(LineWriter{text}, settings);
  return text;
}

/// What is written beside pictures and labels.
std::vector<std::string> other_outputs(const DetectSettings& s) {
  std::vector<std::string> names;
  if (s.save_json) names.emplace_back(kJsonFile);
  if (s.save_csv) names.emplace_back(kCsvFile);
  if (s.save_crop) names.emplace_back(kCropFolder);
  return names;
}

void make_folders(const std::vector<PlannedImage>& plan, const fs::path& output) {
  std::set<fs::path> folders = {output};
  for (const PlannedImage& image : plan) folders.insert(image.picture.parent_path());
  for (const fs::path& folder : folders) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error)
      throw Error(ErrorKind::kIo, "cannot make the output folder: " + error.message(),
                  {folder.string(), 0, {}});
  }
}

ImageView view_of(const cv::Mat& bgr) {
  return {bgr.data, bgr.cols, bgr.rows, static_cast<std::ptrdiff_t>(bgr.step)};
}

/// A frame with what was found in it, on its way to the files.
struct Found {
  Frame frame;
  std::vector<Detection> detections;
  double seconds = 0;
  int input_height = 0, input_width = 0;
  int repeats = 1;
};

/// Writes results in a thread of its own and counts them.
class Writer {
 public:
  Writer(const std::vector<PlannedImage>& plan, const fs::path& output,
         const DetectSettings& settings, const DetectEvents& events)
      : plan_(plan),
        with_pictures_(!settings.nosave),
        events_(events),
        files_(plan, output, result_options(settings, events)),
        queue_(kUnwritten),
        thread_([this] { run(); }) {}
  ~Writer() {
    queue_.close();
    if (thread_.joinable()) thread_.join();
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// @return false after a failure, which `finish` throws
  bool push(Found found) { return queue_.push(std::move(found)); }

  DetectSummary finish() {
    queue_.close();
    thread_.join();
    if (failure_) std::rethrow_exception(failure_);
    files_.finish();
    return summary_;
  }

 private:
  void run() {
    try {
      while (std::optional<Found> found = queue_.pop()) write(*found);
    } catch (...) {
      failure_ = std::current_exception();
      queue_.abandon();
    }
  }

  void write(Found& found) {
    const Frame& frame = found.frame;
    if (!frame.failure.empty()) {
      log_warning("{}", frame.failure);
      ++summary_.failed;
    }
    if (!frame.bgr.empty()) {
      files_.add(found.frame, found.detections, found.repeats);
      ++summary_.images;
      summary_.detections += static_cast<std::int64_t>(found.detections.size());
      tell(found);
    }
    if (!frame.last) return;
    files_.end_source(frame.source);
    if (frame.damaged == 0) return;
    summary_.damaged += frame.damaged;
    log_warning("{}: {} of {} frames could not be decoded, and are left out",
                plan_[frame.source].source, frame.damaged, frame.video.num_frames);
  }

  void tell(Found& found) const {
    if (!events_.result && !events_.picture) return;
    const PlannedImage& planned = plan_[found.frame.source];
    FrameDetections result;
    result.path = planned.source;
    if (with_pictures_) result.output_path = planned.picture.string();
    result.detections = std::move(found.detections);
    result.seconds = found.seconds;
    result.input_height = found.input_height;
    result.input_width = found.input_width;
    result.number = static_cast<int>(found.frame.source) + 1;
    result.total = static_cast<int>(plan_.size());
    result.frame = found.frame.number;
    result.num_frames = found.frame.video.num_frames;
    if (events_.result) events_.result(result);
    if (events_.picture) events_.picture(result, view_of(found.frame.bgr));
  }

  const std::vector<PlannedImage>& plan_;
  bool with_pictures_;
  const DetectEvents& events_;
  DetectSummary summary_;
  ResultFiles files_;
  std::exception_ptr failure_;
  BoundedQueue<Found> queue_;
  std::thread thread_;
};

/// Looks at frames together and hands them on. @return false after a failure of the writer
bool look_at(std::vector<Found>& batch, const Detector& detector, Writer& writer) {
  if (batch.empty()) return true;
  std::vector<ImageView> views;
  for (const Found& found : batch) views.push_back(view_of(found.frame.bgr));
  BatchDetections results = detector.detect_batch(views);
  const double seconds =
      (results.inference_seconds + results.nms_seconds) / static_cast<double>(batch.size());
  bool goes_on = true;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    Found& found = batch[i];
    found.detections = std::move(results.images[i]);
    round_corners(found.detections);
    found.seconds = seconds;
    found.input_height = results.input_height;
    found.input_width = results.input_width;
    goes_on = writer.push(std::move(found)) && goes_on;
  }
  batch.clear();
  return goes_on;
}

/// @return whether it was stopped
bool detect_in_files(const std::vector<std::string>& files, int stride, const Detector& detector,
                     Writer& writer, const DetectEvents& events) {
  FileFrames frames(files, stride);
  std::vector<Found> batch;
  const auto wants_stop = [&] { return events.stop && events.stop(); };
  while (std::optional<Frame> frame = frames.next()) {
    if (wants_stop()) break;
    const bool fits = batch.empty() || (batch.size() < kBatch && !frame->bgr.empty() &&
                                        frame->bgr.size() == batch.front().frame.bgr.size());
    if (!fits && !look_at(batch, detector, writer)) return false;
    Found found;
    found.frame = *std::move(frame);
    if (found.frame.bgr.empty()) {
      if (!writer.push(std::move(found))) return false;
    } else {
      batch.push_back(std::move(found));
    }
  }
  look_at(batch, detector, writer);
  return wants_stop();
}

/// Newest frames of several streams, those that have one together.
class StreamLoop {
 public:
  StreamLoop(const std::vector<std::string>& addresses, const DetectSettings& settings)
      : stride_(settings.vid_stride) {
    LiveStreamOptions options;
    options.stride = stride_;
    options.max_retries = settings.stream_retries;
    options.on_note = [](const std::string& note) { log_warning("{}", note); };
    for (const std::string& address : addresses)
      streams_.push_back(std::make_unique<LiveStream>(address, options));
    last_numbers_.resize(streams_.size());
  }

  /// @return whether it was stopped, and not ended by the streams
  bool run(const Detector& detector, Writer& writer, const DetectEvents& events) {
    std::vector<Found> batch;
    while (!(events.stop && events.stop())) {
      bool all_ended = true;
      for (std::size_t i = 0; i < streams_.size(); ++i) {
        all_ended = streams_[i]->ended() && all_ended;
        if (std::optional<LiveFrame> frame = streams_[i]->take())
          batch.push_back(found_of(i, *std::move(frame)));
      }
      if (batch.empty() && all_ended) return false;
      if (batch.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      if (!look_at(batch, detector, writer)) return false;
    }
    return true;
  }

  int num_skipped() const {
    int skipped = 0;
    for (const auto& stream : streams_) skipped += stream->num_skipped();
    return skipped;
  }

 private:
  // What was skipped is filled with the next frame: a recording lasts as long as the stream.
  Found found_of(std::size_t source, LiveFrame live) {
    constexpr int kMostRepeats = 100;
    Found found;
    found.frame.source = source;
    found.frame.bgr = std::move(live.bgr);
    found.frame.number = live.number;
    found.frame.video.fps = streams_[source]->fps();
    const int step = (live.number - std::exchange(last_numbers_[source], live.number)) / stride_;
    found.repeats = std::clamp(step, 1, kMostRepeats);
    return found;
  }

  int stride_;
  std::vector<std::unique_ptr<LiveStream>> streams_;
  std::vector<int> last_numbers_;
};

}  // namespace

DetectSummary detect_files(const DetectSettings& settings, const DetectEvents& events) {
  if (settings.half && settings.precision != "auto" && settings.precision != "fp16")
    throw Error(ErrorKind::kUsage, fmt::format("stands against --precision {}", settings.precision),
                {{}, 0, "--half"}, "leave one of the two out");
  const SourceList sources = find_sources(settings.source, settings.recursive);
  for (const std::string& note : sources.notes) log_warning("{}", note);
  const bool has_own_folder = settings.output.empty();
  const auto plan_for = [&](const fs::path& output) {
    return sources.streams.empty() ? plan_outputs(sources.files, output)
                                   : plan_stream_outputs(sources.streams, output);
  };
  fs::path output = settings.output;
  if (!has_own_folder)  // before the model is loaded, which takes a while
    check_outputs(plan_for(output), output, settings.save_txt, settings.exist_ok,
                  other_outputs(settings));
  const Detector detector = Detector::load_ensemble(settings.weights, detector_options(settings));
  if (has_own_folder)
    output = create_run_directory(settings.project, settings.name, settings.exist_ok);
  const std::vector<PlannedImage> plan = plan_for(output);
  if (has_own_folder) check_outputs(plan, output, settings.save_txt, true);
  make_folders(plan, output);
  write_file_atomically(output / kMarkerFile, settings_text(settings));

  const Stopwatch watch;
  Writer writer(plan, output, settings, events);
  bool stopped = false;
  int skipped = 0;
  if (sources.streams.empty()) {
    std::vector<std::string> files;
    for (const PlannedImage& planned : plan) files.push_back(planned.source);
    stopped = detect_in_files(files, settings.vid_stride, detector, writer, events);
  } else {
    StreamLoop loop(sources.streams, settings);
    stopped = loop.run(detector, writer, events);
    skipped = loop.num_skipped();
  }
  DetectSummary summary = writer.finish();
  summary.stopped = stopped;
  summary.skipped = skipped;
  summary.output = output.string();
  summary.seconds = watch.seconds();
  return summary;
}

}  // namespace gannet
