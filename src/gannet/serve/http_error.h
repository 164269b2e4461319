// Why a request is refused, as HTTP says it.
#pragma once

#include <stdexcept>
#include <string>

namespace gannet {

class HttpError : public std::runtime_error {
 public:
  HttpError(int status, const std::string& what) : std::runtime_error(what), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

}  // namespace gannet
