#include "dashboard_observer.h"

#include <cstdio>

#include "gannet/core/threads.h"
#include "print.h"
#include "serve_token.h"

namespace gannet::cli {

DashboardObserver::DashboardObserver(const std::string& host, int port)
    : dashboard_({.host = host, .port = port, .ports = 100, .token = token_of_environment()}) {
  print_line("dashboard: {}", dashboard_.address());
  std::fflush(stdout);  // whoever reads it from a pipe opens it now
  thread_ = std::thread([this] {
    block_signals();  // they are for the thread that trains
    give_way_to_others();
    dashboard_.run();
  });
}

DashboardObserver::~DashboardObserver() {
  dashboard_.stop();
  thread_.join();
}

}  // namespace gannet::cli
