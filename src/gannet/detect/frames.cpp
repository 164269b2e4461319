#include "gannet/detect/frames.h"

#include <exception>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/data/images/image_io.h"
#include "gannet/data/images/image_list.h"

namespace gannet {
namespace {

constexpr std::size_t kDecodedAhead = 4;

}  // namespace

FileFrames::FileFrames(std::vector<std::string> paths, int stride)
    : paths_(std::move(paths)), stride_(stride), queue_(kDecodedAhead) {
  thread_ = std::thread([this] {
    for (std::size_t i = 0; i < paths_.size(); ++i) read(i);
    queue_.close();
  });
}

FileFrames::~FileFrames() {
  queue_.abandon();
  thread_.join();
}

void FileFrames::read(std::size_t source) {
  Frame end;
  end.source = source;
  end.last = true;
  try {
    if (has_video_suffix(paths_[source])) return read_video(source);
    end.bgr = decode_image(paths_[source]);
  } catch (const std::exception& error) {  // of any kind: the next source may be whole
    end.failure = error.what();
  }
  queue_.push(std::move(end));
}

void FileFrames::read_video(std::size_t source) {
  VideoReader reader(paths_[source], stride_);
  Frame frame;
  frame.source = source;
  frame.video = reader.info();
  cv::Mat bgr;
  while (reader.read(bgr)) {
    frame.bgr = std::exchange(bgr, cv::Mat());
    frame.number = reader.frame_number();
    if (!queue_.push(frame)) return;
  }
  Frame end;
  end.source = source;
  end.video = reader.info();
  end.last = true;
  end.damaged = reader.num_damaged();
  if (reader.frame_number() == 0)
    end.failure =
        Error(ErrorKind::kData, "no frame could be decoded", {paths_[source], 0, {}}).what();
  queue_.push(std::move(end));
}

}  // namespace gannet
