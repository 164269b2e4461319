#include "gannet/net/file_upload.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>
#include <vector>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse_address(const std::string& why, const std::string& advice) {
  throw Error(ErrorKind::kUsage, why, {{}, 0, "--bucket"}, advice);
}

int hex_digit(char c) {
  const std::string digits = "0123456789abcdef0123456789ABCDEF";
  const auto found = digits.find(c);
  return found == std::string::npos ? -1 : static_cast<int>(found % 16);
}

std::string percent_decoded(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    const int value = 16 * high + low;
    if (low < 0 || value == 0)
      refuse_address(fmt::format("'{}' holds a stray '%'", text), "write it as %25");
    result += static_cast<char>(value);
    i += 2;
  }
  return result;
}

fs::path folder_of(const std::string& address) {
  std::string path = address.substr(std::string("file://").size());
  if (path.starts_with("localhost/")) path.erase(0, std::string("localhost").size());
  if (!path.starts_with('/'))
    refuse_address(fmt::format("'{}' is not the address of a folder", address),
                   "give file:///folder, with three slashes and the whole path");
  return fs::path(percent_decoded(path)).lexically_normal();
}

/// Looks at the nearest folder that exists, and makes nothing.
void require_writable(const fs::path& folder) {
  fs::path existing = folder;
  std::error_code error;
  while (!fs::exists(existing, error) && existing.has_relative_path())
    existing = existing.parent_path();
  if (!fs::is_directory(existing, error))
    refuse_address(fmt::format("'{}' is not a folder", existing.string()), "choose another");
  if (::access(existing.c_str(), W_OK | X_OK) != 0)
    refuse_address(fmt::format("cannot write to '{}': {}", existing.string(), std::strerror(errno)),
                   "choose another folder or give this user the right");
}

class FileUploader : public Uploader {
 public:
  explicit FileUploader(fs::path folder)
      : folder_(std::move(folder)), address_("file://" + folder_.string()) {}

  void put(const fs::path& file, const std::string& remote_name) override {
    const fs::path target = folder_ / remote_name;
    std::error_code error;
    fs::create_directories(target.parent_path(), error);
    if (error)
      throw Error(ErrorKind::kIo, "cannot make the folder: " + error.message(),
                  {target.parent_path().string(), 0, {}}, "check permissions and free space");
    if (fs::equivalent(file, target, error)) return;  // the run's own folder was given
    write_file_atomically(target, [&](const WriteBytes& write) { copy(file, write); });
  }

  const std::string& address() const override { return address_; }
  void stop() override { stopped_ = true; }

 private:
  void copy(const fs::path& file, const WriteBytes& write) const {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw_io_error(file, "read");
    std::vector<char> buffer(1 << 20);
    do {
      if (stopped_) throw Error(ErrorKind::kIo, "the upload was stopped", {file.string(), 0, {}});
      in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
      write(buffer.data(), static_cast<std::size_t>(in.gcount()));
    } while (in);
    if (in.bad()) throw_io_error(file, "read");
  }

  fs::path folder_;
  std::string address_;
  std::atomic<bool> stopped_{false};
};

}  // namespace

std::unique_ptr<Uploader> make_file_uploader(const std::string& address) {
  fs::path folder = folder_of(address);
  if (!folder.has_filename() && folder.has_relative_path()) folder = folder.parent_path();
  require_writable(folder);
  return std::make_unique<FileUploader>(std::move(folder));
}

}  // namespace gannet
