// Runs a fuzz target over the files and folders given, where libFuzzer is not at hand: what a
// compiler without it can still test. The file at work is named before it runs, so that a crash
// tells which.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kSlow(60);  // a hang rather than a busy machine

std::vector<fs::path> files_of(int count, char** arguments) {
  std::vector<fs::path> files;
  for (int i = 0; i < count; ++i) {
    const fs::path path = arguments[i];
    if (fs::is_directory(path)) {
      files.insert(files.end(), fs::directory_iterator(path), {});
    } else {
      files.push_back(path);
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::uint8_t> read(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<fs::path> files = files_of(argc - 1, argv + 1);
  if (files.empty()) {
    std::fprintf(stderr, "no inputs\n");
    return 1;
  }
  for (const fs::path& file : files) {
    std::printf("%s\n", file.c_str());
    std::fflush(stdout);
    const std::vector<std::uint8_t> input = read(file);
    const auto start = Clock::now();
    LLVMFuzzerTestOneInput(input.data(), input.size());
    if (Clock::now() - start > kSlow) {
      std::fprintf(stderr, "slow input: %s\n", file.c_str());
      return 1;
    }
  }
  std::printf("%zu inputs, no finding\n", files.size());
  return 0;
}
