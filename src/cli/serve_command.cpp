#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <set>

#include "commands.h"
#include "flags.h"
#include "gannet/core/log.h"
#include "gannet/detect/detector.h"
#include "gannet/ops/thread_waiting.h"
#include "gannet/serve/dashboard.h"
#include "gannet/serve/server.h"
#include "print.h"
#include "serve_token.h"

namespace gannet::cli {
namespace {

struct ServeSettings {
  std::vector<std::string> weights;
  std::string runs;
  ServeOptions server;
  DetectorOptions detector;
};

template <class Visitor>
void fields_of_serve(Visitor&& visit, ServeSettings& s) {
  ServeOptions& server = s.server;
  DetectorOptions& detector = s.detector;
  visit("weights", s.weights, "checkpoint; several work as one", Range{});
  visit("runs", s.runs, "folder of runs, or one run, to show in place of a model", Range{});
  visit("host", server.host, "address to listen at; 0.0.0.0: all of this machine", Range{});
  visit("port", server.port, "0: any that is free", Range{0, 65535});
  visit("token", server.token, "that requests must bear; else that of GANNET_SERVE_TOKEN", Range{});
  visit("max_batch", server.max_batch, "pictures that are detected together", Range{1, 1024});
  visit("queue", server.queue, "pictures taken in and not answered", Range{1, 4096});
  visit("max_body", server.max_body_mb, "of a request, MiB", Range{1, 1024});
  visit("max_pixels", server.max_megapixels, "of a picture, millions", Range{1, 1024});
  visit("timeout", server.timeout_s, "for a request, s", Range{0.01, 3600});
  visit("img_size", detector.image_size, "longer side of the network's input, px",
        Range{32, 16384});
  visit("conf_thres", detector.confidence,
        "least confidence; auto: that of the best F1 when the checkpoint was evaluated",
        Range{kAuto, 1});
  visit("iou_thres", detector.iou, "overlap at which the weaker box goes", Range{0, 1});
  visit("device", detector.device, "cpu, or a CUDA device index; empty chooses", Range{});
  visit("precision", detector.precision, "auto, fp32, bf16 or fp16", Range{});
  visit("classes", detector.classes, "keep only these class numbers", Range{0, 1e6});
  visit("agnostic_nms", detector.agnostic, "suppress across classes", Range{});
  visit("augment", detector.augment, "test-time augmentation", Range{});
  visit("max_det", detector.max_detections, "most detections an image", Range{1, 1e6});
}

std::function<void()> stop_running;  // while a server runs

// The first signal ends the server when what it has taken in is answered, the second one at once.
extern "C" void drain_on_signal(int signal) {
  std::signal(signal, SIG_DFL);
  if (stop_running) stop_running();
}

/// Until a signal comes. @param address told before
template <class AnyServer>
void serve(AnyServer& server, const std::string& address) {
  stop_running = [&server] { server.stop(); };
  std::signal(SIGINT, drain_on_signal);
  std::signal(SIGTERM, drain_on_signal);
  print_line("serving at {}", address);
  std::fflush(stdout);
  server.run();
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  stop_running = nullptr;
}

/// The first detection allocates and chooses kernels: better before a client waits for it.
void warm_up(const Detector& detector) {
  const std::vector<std::uint8_t> pixels(64 * 64 * 3);
  detector.detect({.data = pixels.data(), .width = 64, .height = 64});
}

void serve_runs(const ServeSettings& settings) {
  if (!std::filesystem::is_directory(settings.runs))
    throw Error(ErrorKind::kUsage, fmt::format("'{}' is no folder", settings.runs),
                {{}, 0, "--runs"});
  Dashboard dashboard(
      {.host = settings.server.host, .port = settings.server.port, .token = settings.server.token});
  dashboard.show(settings.runs);
  serve(dashboard, dashboard.address());
}

void serve_detections(ServeSettings& settings) {
  prepare_operator_threads();
  const std::set<std::string> own = {"127.0.0.1", "::1", "localhost"};
  const Detector detector = Detector::load_ensemble(settings.weights, settings.detector);
  warm_up(detector);
  settings.server.names = detector.names();
  Server server(settings.server, [&](const std::vector<ImageView>& images) {
    return detector.detect_batch(images).images;
  });
  if (settings.server.token.empty() && !own.contains(settings.server.host))
    log_warning("whoever reaches {} may ask: --token lets in those who know it",
                settings.server.host);
  serve(server, fmt::format("http://{}:{}", settings.server.host, server.port()));
}

int run(ServeSettings settings) {
  if (settings.weights.empty() == settings.runs.empty())
    throw Error(ErrorKind::kUsage, "give either a checkpoint (--weights) or runs to show (--runs)");
  if (settings.server.token.empty()) settings.server.token = token_of_environment();
  settings.runs.empty() ? serve_detections(settings) : serve_runs(settings);
  return 0;
}

}  // namespace

void add_serve(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "serve", "find objects in pictures that come over HTTP, or show runs as a web page");
  auto settings = std::make_shared<ServeSettings>();
  fields_of_serve(FlagAdder{*command}, *settings);
  command->callback([settings, &action] { action = [settings] { return run(*settings); }; });
}

}  // namespace gannet::cli
