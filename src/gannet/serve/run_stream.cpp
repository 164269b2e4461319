#include "gannet/serve/run_stream.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace gannet {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kEnough = 1 << 20;  // for one call
constexpr std::int64_t kLogBytes = 64 << 10;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);  // bytes of any kind
}

void add_event(std::string& events, const char* kind, const std::string& data) {
  events += std::string("event: ") + kind + "\ndata: " + data + "\n\n";
}

}  // namespace

RunStream::RunStream(const RunFolder& folder, const std::vector<std::string>& names,
                     const std::string& looked_at)
    : folder_(folder), looked_at_(looked_at), settings_({}), log_({}) {
  for (const std::string& name : names) {
    const auto directory = folder.directory_of(name);
    if (!directory) continue;
    followed_.push_back(
        {name, ReplacedFile(*directory / "results.csv"), GrowingFile(*directory / "steps.jsonl")});
  }
  directory_ = folder.directory_of(looked_at).value_or(std::filesystem::path());
  if (directory_.empty()) return;
  settings_ = ReplacedFile(directory_ / "settings.yaml");
  log_ = GrowingFile(directory_ / "log.txt", kLogBytes);
}

std::string RunStream::next() {
  std::string events;
  add_list(events);
  add_figures(events);
  if (!directory_.empty()) add_looked_at(events);
  return events;
}

void RunStream::add_list(std::string& events) {
  Json list = Json::array();
  for (const ListedRun& run : folder_.runs())
    list.push_back({{"name", run.name}, {"finished", run.finished}, {"changed", run.changed_s}});
  std::string text = text_of(list);
  if (text == list_) return;
  add_event(events, "runs", text);
  list_ = std::move(text);
}

void RunStream::add_figures(std::string& events) {
  for (Followed& run : followed_) {
    if (events.size() > kEnough) return;
    if (const auto text = run.results.read())
      add_event(events, "results", text_of({{"run", run.name}, {"text", *text}}));
    if (const auto part = run.steps.read())
      add_event(events, "steps",
                text_of({{"run", run.name}, {"first", part->first}, {"text", part->text}}));
  }
}

void RunStream::add_looked_at(std::string& events) {
  if (const auto text = settings_.read())
    add_event(events, "settings", text_of({{"run", looked_at_}, {"text", *text}}));
  if (const auto part = log_.read())
    add_event(events, "log",
              text_of({{"run", looked_at_}, {"first", part->first}, {"text", part->text}}));
  Json pictures = Json::array();
  for (const std::string& name : shown_pictures())
    if (const auto stamp = stamp_of(directory_ / name))
      pictures.push_back({{"name", name}, {"stamp", std::to_string(stamp->changed_ns)}});
  std::string text = text_of({{"run", looked_at_}, {"pictures", pictures}});
  if (text == pictures_) return;
  add_event(events, "pictures", text);
  pictures_ = std::move(text);
}

}  // namespace gannet
