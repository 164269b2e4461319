#include "gannet/eval/records.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <type_traits>

#include "gannet/core/error.h"

namespace gannet {
namespace {

template <class T>
void put(std::string& bytes, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

template <class T>
void put(std::string& bytes, const std::vector<T>& values) {
  put(bytes, values.size());
  for (const T& value : values) put(bytes, value);
}

/// Reads what `put` wrote.
class Taker {
 public:
  explicit Taker(const std::string& bytes) : bytes_(bytes) {}
  bool at_end() const { return at_ == bytes_.size(); }

  template <class T>
  void take(T& value) {
    GANNET_CHECK(sizeof(T) <= bytes_.size() - at_, "gathered evaluation records are cut off");
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
  }
  template <class T>
  void take(std::vector<T>& values) {
    std::size_t count = 0;
    take(count);
    GANNET_CHECK(count <= bytes_.size() / sizeof(T), "gathered evaluation records are cut off");
    values.resize(count);
    for (T& value : values) take(value);
  }

 private:
  const std::string& bytes_;
  std::size_t at_ = 0;
};

void put_record(std::string& bytes, const BatchRecord& r) { put(bytes, r); }
void take_record(Taker& from, BatchRecord& r) { from.take(r); }

void put_record(std::string& bytes, const ImageRecord& r) {
  put(bytes, r.index);
  put(bytes, r.detections);
  put(bytes, r.hits);
  put(bytes, r.labels);
}
void take_record(Taker& from, ImageRecord& r) {
  from.take(r.index);
  from.take(r.detections);
  from.take(r.hits);
  from.take(r.labels);
}

template <class Record>
std::vector<Record> gather(const char* name, const std::vector<Record>& own, Communicator& comm) {
  std::string bytes;
  for (const Record& record : own) put_record(bytes, record);
  std::vector<Record> all;
  for (const std::string& share : comm.gather(name, bytes))
    for (Taker from(share); !from.at_end();) take_record(from, all.emplace_back());
  return all;
}

}  // namespace

std::vector<ImageRecord> gather_in_order(const std::vector<ImageRecord>& own, Communicator& comm) {
  auto all = gather("eval.images", own, comm);
  std::stable_sort(all.begin(), all.end(),
                   [](const ImageRecord& a, const ImageRecord& b) { return a.index < b.index; });
  return all;
}

std::vector<BatchRecord> gather_in_order(const std::vector<BatchRecord>& own, Communicator& comm) {
  auto all = gather("eval.batches", own, comm);
  std::stable_sort(all.begin(), all.end(),
                   [](const BatchRecord& a, const BatchRecord& b) { return a.number < b.number; });
  return all;
}

}  // namespace gannet
