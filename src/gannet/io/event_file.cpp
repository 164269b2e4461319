#include "gannet/io/event_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>

#include "events.pb.h"
#include "gannet/core/error.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "events.out.tfevents.";
constexpr int kStringType = 7;   // DataType of TensorFlow
constexpr int kTensorClass = 2;  // DataClass of TensorBoard

double seconds_since_1970() {
  const auto time = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(time).count();
}

/// Files are read in the order of the seconds in their names, also where the clock was set back.
std::int64_t seconds_behind_all(const fs::path& folder) {
  auto seconds = static_cast<std::int64_t>(seconds_since_1970());
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kPrefix))
      seconds = std::max<std::int64_t>(seconds, std::atoll(name.c_str() + kPrefix.size()) + 1);
  }
  return seconds;
}

fs::path next_file(const fs::path& folder) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0 || host[0] == '\0') host[0] = 'h';
  try {
    fs::create_directories(folder);
    return folder / fmt::format("{}{:010}.{}.{}", kPrefix, seconds_behind_all(folder), host.data(),
                                ::getpid());
  } catch (const fs::filesystem_error& error) {
    throw Error(ErrorKind::kIo, error.code().message(), {folder.string(), 0, {}});
  }
}

events::Event event_at(std::int64_t step) {
  events::Event event;
  event.set_wall_time(seconds_since_1970());
  event.set_step(step);
  return event;
}

void add_image(events::Summary& summary, const EventImage& from) {
  events::Value& value = *summary.add_value();
  value.set_tag(from.tag);
  events::Image& image = *value.mutable_image();
  image.set_height(static_cast<int>(from.height));
  image.set_width(static_cast<int>(from.width));
  image.set_colorspace(3);
  image.set_encoded_image_string(from.file);
}

void add_histogram(events::Summary& summary, const EventCounts& from) {
  events::Value& value = *summary.add_value();
  value.set_tag(from.tag);
  events::Histogram& histogram = *value.mutable_histo();
  histogram.set_max(static_cast<double>(from.counts.size()));
  for (std::size_t number = 0; number < from.counts.size(); ++number) {
    const auto x = static_cast<double>(number), count = static_cast<double>(from.counts[number]);
    histogram.set_num(histogram.num() + count);
    histogram.set_sum(histogram.sum() + count * x);
    histogram.set_sum_squares(histogram.sum_squares() + count * x * x);
    histogram.add_bucket_limit(x + 1);
    histogram.add_bucket(count);
  }
}

void add_text(events::Summary& summary, const std::string& tag, const std::string& text) {
  events::Value& value = *summary.add_value();
  value.set_tag(tag);
  value.mutable_metadata()->mutable_plugin_data()->set_plugin_name("text");
  value.mutable_metadata()->set_data_class(kTensorClass);
  value.mutable_tensor()->set_dtype(kStringType);
  value.mutable_tensor()->mutable_tensor_shape();
  value.mutable_tensor()->add_string_val(text);
}

}  // namespace

EventFile::EventFile(const fs::path& folder, std::int64_t first_step) : file_(next_file(folder)) {
  events::Event version = event_at(0);
  version.set_file_version("brain.Event:2");
  file_.append(version.SerializeAsString());
  events::Event start = event_at(first_step);
  start.mutable_session_log()->set_status(events::SessionLog::START);
  file_.append(start.SerializeAsString());
}

void EventFile::write(const EventData& data) {
  events::Event event = event_at(data.step);
  events::Summary& summary = *event.mutable_summary();
  for (const auto& [tag, number] : data.scalars) {
    events::Value& value = *summary.add_value();
    value.set_tag(tag);
    value.set_simple_value(static_cast<float>(number));
  }
  for (const EventImage& image : data.images) add_image(summary, image);
  for (const EventCounts& counts : data.histograms) add_histogram(summary, counts);
  for (const auto& [tag, text] : data.texts) add_text(summary, tag, text);
  file_.append(event.SerializeAsString());
}

}  // namespace gannet
