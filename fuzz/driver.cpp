// Runs a fuzz target where libFuzzer is not at hand: replays the files and folders given, or, with
// --seconds, mutates what they hold for that long. No coverage feedback: small seeds that show
// every part of a format matter. The input at work is kept in last_input.bin while it runs, so that
// a crash leaves it behind.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gannet/core/rng.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxBytes = 1 << 16;
constexpr double kSlow_s = 5;

/// A file of fixed size in memory: written without a system call, and still there after a crash.
class LastInput {
 public:
  explicit LastInput(const char* path) {
    const int file = ::open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    constexpr std::size_t kSize = kMaxBytes + sizeof(std::uint64_t);
    if (file < 0 || ::ftruncate(file, static_cast<off_t>(kSize)) != 0) std::abort();
    memory_ = static_cast<std::uint8_t*>(
        ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
    if (memory_ == MAP_FAILED) std::abort();
    ::close(file);
  }
  /// First eight bytes: how many follow.
  void keep(const Bytes& input) {
    const std::uint64_t size = input.size();
    std::memcpy(memory_, &size, sizeof size);
    if (size > 0) std::memcpy(memory_ + sizeof size, input.data(), input.size());
  }

 private:
  std::uint8_t* memory_;
};

Bytes read(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// Pieces that parsers are known to stumble over.
const std::array<std::string, 24> kPieces = {"nan",       "inf",
                                             "-1",        "1e999",
                                             "0x1",       "18446744073709551616",
                                             "1e-320",    "\n",
                                             "\r",        std::string(1, 0),
                                             "[[[[",      "]]]]",
                                             "{{{{",      "}",
                                             "\"",        "\\u0000",
                                             "<a>",       "</a>",
                                             "&lt;",      "<!--",
                                             "<![CDATA[", "*a",
                                             "&a ",       "\xFF\xD8\xFF\xE1"};

class Mutator {
 public:
  Mutator(std::vector<Bytes> corpus, std::uint64_t seed)
      : corpus_(std::move(corpus)), seed_(seed) {}

  Bytes next() {
    gannet::Rng rng({seed_, count_++, 0, gannet::Purpose::kTest});
    Bytes input = corpus_[pick(rng, corpus_.size())];
    for (std::int64_t left = 1 + rng.below(6); left > 0; --left) change(input, rng);
    if (input.size() > kMaxBytes) input.resize(kMaxBytes);
    return input;
  }

 private:
  static std::size_t pick(gannet::Rng& rng, std::size_t count) {
    return count == 0 ? 0 : static_cast<std::size_t>(rng.below(static_cast<std::int64_t>(count)));
  }

  static void insert(Bytes& input, std::size_t at, const std::uint8_t* data, std::size_t size) {
    const Bytes copy(data, data + size);
    input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), copy.begin(), copy.end());
  }

  void change(Bytes& input, gannet::Rng& rng) {
    const std::size_t at = pick(rng, input.size());
    const std::size_t span = std::min(input.size() - at, 1 + pick(rng, 64));
    const auto begin = input.begin() + static_cast<std::ptrdiff_t>(at);
    switch (rng.below(8)) {
      case 0:
        if (!input.empty()) input[at] = static_cast<std::uint8_t>(rng.below(256));
        break;
      case 1:
        if (!input.empty()) input[at] ^= static_cast<std::uint8_t>(1 << rng.below(8));
        break;
      case 2:
        input.erase(begin, begin + static_cast<std::ptrdiff_t>(span));
        break;
      case 3:
        insert(input, at, input.data() + at, span);
        break;  // repeat a part
      case 4: {
        const std::string& piece = kPieces[pick(rng, kPieces.size())];
        insert(input, at, reinterpret_cast<const std::uint8_t*>(piece.data()), piece.size());
        break;
      }
      case 5: {  // a part of another input
        const Bytes& other = corpus_[pick(rng, corpus_.size())];
        const std::size_t from = pick(rng, other.size());
        insert(input, at, other.data() + from, std::min<std::size_t>(other.size() - from, 256));
        break;
      }
      case 6: {  // another number
        const std::string number = std::to_string(rng.below(1 << 20) - (1 << 10));
        const auto digit =
            std::find_if(begin, input.end(), [](std::uint8_t c) { return c >= '0' && c <= '9'; });
        if (digit == input.end()) break;
        const auto end =
            std::find_if(digit, input.end(), [](std::uint8_t c) { return c < '0' || c > '9'; });
        const auto place = input.erase(digit, end);
        input.insert(place, number.begin(), number.end());
        break;
      }
      default:
        input.resize(at);
        break;
    }
  }

  std::vector<Bytes> corpus_;
  std::uint64_t seed_, count_ = 0;
};

void run(const Bytes& input, LastInput& last) {
  last.keep(input);
  const auto start = Clock::now();
  // A copy of exactly this size: reading beyond its end is seen.
  const Bytes exact(input.begin(), input.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
  const std::chrono::duration<double> seconds = Clock::now() - start;
  if (seconds.count() > kSlow_s) {
    std::fprintf(stderr, "slow input: %.1f s\n", seconds.count());
    std::abort();
  }
}

}  // namespace

int main(int argc, char** argv) {
  double seconds = 0;
  std::uint64_t seed = 0;
  std::vector<Bytes> corpus;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--seconds" && i + 1 < argc) {
      seconds = std::atof(argv[++i]);
    } else if (argument == "--seed" && i + 1 < argc) {
      seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (fs::is_directory(argument)) {
      std::vector<fs::path> files(fs::directory_iterator(argument), {});
      std::sort(files.begin(), files.end());
      for (const fs::path& file : files) corpus.push_back(read(file));
    } else {
      corpus.push_back(read(argument));
    }
  }
  if (corpus.empty()) corpus.emplace_back();
  LastInput last("last_input.bin");
  for (const Bytes& input : corpus) run(input, last);
  std::uint64_t count = corpus.size();
  Mutator mutator(std::move(corpus), seed);
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  for (; Clock::now() < end; ++count) run(mutator.next(), last);
  std::printf("%llu inputs, no finding\n", static_cast<unsigned long long>(count));
  return 0;
}
