#include "gannet/curate/demo/demo.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numbers>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <system_error>
#include <vector>

#include "gannet/core/box.h"
#include "gannet/core/error.h"
#include "gannet/core/rng.h"
#include "gannet/curate/demo/scene.h"
#include "gannet/curate/demo/signs.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMarker = "# gannet demo data set";
constexpr int kOversampling = 2;      // scenes are painted larger, for smooth edges
constexpr double kMinSide = 20;       // of a labelled box, px
constexpr double kMinVisible = 0.4;   // of a sign's area, else it gets no label
constexpr double kMaxOverlap = 0.08;  // of a box with the boxes before it

struct Split {
  const char* name;
  int images;
  std::uint64_t first_index;  // of the random streams: the sets may grow without changing
  bool labelled;
};
constexpr Split kSplits[] = {{"train", kDemoTrainImages, 0, true},
                             {"val", kDemoValImages, 1'000'000, true},
                             {"unseen", kDemoUnseenImages, 2'000'000, false}};

/// Where a sign goes, in pixels of the scene.
struct Placement {
  int class_id = 0;
  cv::Point2d centre;
  double size = 0;
};

double overlap(const Placement& a, const Placement& b) {
  const double reach = (a.size + b.size) / 2;
  const double x = reach - std::abs(a.centre.x - b.centre.x);
  const double y = reach - std::abs(a.centre.y - b.centre.y);
  return x > 0 && y > 0 ? x * y / std::pow(std::min(a.size, b.size), 2) : 0;
}

/// Two to five signs that hardly overlap, the smallest (farthest) first.
std::vector<Placement> place_signs(const cv::Size& scene, Rng& rng) {
  std::vector<Placement> result;
  const auto wanted = static_cast<std::size_t>(2 + rng.below(4));
  for (int attempt = 0; attempt < 60 && result.size() < wanted; ++attempt) {
    Placement sign;
    sign.class_id = static_cast<int>(rng.below(static_cast<std::int64_t>(kDemoClassNames.size())));
    sign.size = kOversampling * 30 * std::pow(130.0 / 30, rng.uniform());
    const double inside = rng.uniform() < 0.9 ? 0.55 : 0.3;  // some are cut by the border
    const double margin = inside * sign.size;
    sign.centre.x = rng.uniform(margin, scene.width - margin);
    sign.centre.y = rng.uniform(margin, scene.height * 0.92 - margin);
    const bool free = std::all_of(result.begin(), result.end(), [&](const Placement& other) {
      return overlap(sign, other) < kMaxOverlap;
    });
    if (free && sign.centre.y > 0) result.push_back(sign);
  }
  std::sort(result.begin(), result.end(),
            [](const auto& a, const auto& b) { return a.size < b.size; });
  return result;
}

/// Maps the flat sign into the scene: turned a little and seen from the side or from below.
cv::Mat perspective(const Placement& sign, int flat_size, Rng& rng) {
  const double turn = rng.uniform(-9, 9) * std::numbers::pi / 180;
  const double yaw = rng.uniform(-0.7, 0.7), pitch = rng.uniform(-0.3, 0.3);
  const double distance = 3.5, half = sign.size / 2;
  const cv::Point2d corners[] = {{-1, -1}, {1, -1}, {1, 1}, {-1, 1}};
  cv::Point2f from[4], to[4];
  for (int i = 0; i < 4; ++i) {
    const double x = corners[i].x * std::cos(turn) - corners[i].y * std::sin(turn);
    const double y = corners[i].x * std::sin(turn) + corners[i].y * std::cos(turn);
    const double depth = distance + x * std::sin(yaw) + y * std::sin(pitch);
    const double scale = half * distance / depth;
    to[i] = cv::Point2f(static_cast<float>(sign.centre.x + scale * x * std::cos(yaw)),
                        static_cast<float>(sign.centre.y + scale * y * std::cos(pitch)));
    const auto side = static_cast<float>(flat_size);
    from[i] = cv::Point2f(corners[i].x > 0 ? side : 0, corners[i].y > 0 ? side : 0);
  }
  return cv::getPerspectiveTransform(from, to);
}

/// An image with the objects in it, while it is painted.
struct Picture {
  cv::Mat scene;  // 8-bit BGR
  cv::Mat owner;  // CV_16S: which sign one sees here, from 1; 0 none
  struct Object {
    int class_id = 0;
    cv::Rect2d box;   // of the whole sign, clipped, px of the scene
    double area = 0;  // of the whole sign, px
  };
  std::vector<Object> objects;
};

/// Smallest rectangle around what the mask shows, and the area of it.
/// @param corner of the mask, in the scene
Picture::Object measure(const cv::Mat& alpha, const cv::Point& corner, int class_id,
                        const cv::Size& scene) {
  const cv::Mat visible = alpha > 127;
  const cv::Rect inside = (cv::boundingRect(visible) + corner) & cv::Rect({0, 0}, scene);
  return {class_id, cv::Rect2d(inside), static_cast<double>(cv::countNonZero(visible))};
}

void blend(cv::Mat target, const cv::Mat& colours, const cv::Mat& alpha) {
  for (int y = 0; y < target.rows; ++y) {
    auto* row = target.ptr<cv::Vec3b>(y);
    for (int x = 0; x < target.cols; ++x) {
      const double a = alpha.at<std::uint8_t>(y, x) / 255.0;
      if (a > 0) row[x] = row[x] * (1 - a) + colours.at<cv::Vec3b>(y, x) * a;
    }
  }
}

void paint_one(Picture& picture, const Placement& sign, Rng& rng) {
  cv::Mat& scene = picture.scene;
  cv::Mat pole_mask = cv::Mat::zeros(scene.size(), CV_8U);
  const int pole = std::max(3, static_cast<int>(sign.size / 14));
  paint_pole(scene, pole_mask, cv::Point(sign.centre), pole, rng);
  picture.owner.setTo(0, pole_mask);

  // On a sheet of its own, which may reach over the border of the scene.
  const int flat_size = static_cast<int>(sign.size);
  const SignPicture flat = paint_sign(sign.class_id, flat_size, rng);
  const cv::Point corner = cv::Point(sign.centre) - cv::Point(flat_size, flat_size);
  const cv::Rect sheet(corner, cv::Size(2 * flat_size, 2 * flat_size));
  Placement moved = sign;
  moved.centre -= cv::Point2d(corner);
  const cv::Mat map = perspective(moved, flat_size, rng);
  cv::Mat bgr, alpha;
  cv::warpPerspective(flat.bgr, bgr, map, sheet.size(), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
  cv::warpPerspective(flat.mask, alpha, map, sheet.size(), cv::INTER_LINEAR);
  picture.objects.push_back(measure(alpha, corner, sign.class_id, scene.size()));

  const cv::Rect in_scene = sheet & cv::Rect({0, 0}, scene.size());
  const cv::Rect in_sheet = in_scene - corner;
  blend(scene(in_scene), bgr(in_sheet), alpha(in_sheet));
  picture.owner(in_scene).setTo(static_cast<double>(picture.objects.size()), alpha(in_sheet) > 127);
}

/// Leaves or a pole in front of some signs.
void occlude(Picture& picture, const std::vector<Placement>& signs, Rng& rng) {
  for (const Placement& sign : signs) {
    const double kind = rng.uniform();
    if (kind > 0.2) continue;
    cv::Mat mask = cv::Mat::zeros(picture.scene.size(), CV_8U);
    const double side = rng.uniform(-0.5, 0.5) * sign.size;
    if (kind < 0.05) {
      const cv::Point top(static_cast<int>(sign.centre.x + side), 0);
      paint_pole(picture.scene, mask, top, static_cast<int>(sign.size / 9), rng);
    } else {
      const cv::Point centre(static_cast<int>(sign.centre.x + side),
                             static_cast<int>(sign.centre.y + 0.45 * sign.size));
      paint_leaves(picture.scene, mask, centre, static_cast<int>(sign.size * 0.32), rng);
    }
    picture.owner.setTo(0, mask);
  }
}

std::vector<Label> labels_of(const Picture& picture) {
  std::vector<Label> labels;
  const double width = picture.scene.cols, height = picture.scene.rows;
  for (std::size_t i = 0; i < picture.objects.size(); ++i) {
    const Picture::Object& object = picture.objects[i];
    const int seen = cv::countNonZero(picture.owner == static_cast<double>(i + 1));
    const bool large = std::min(object.box.width, object.box.height) >= kOversampling * kMinSide;
    if (!large || seen < kMinVisible * object.area) continue;
    const cv::Rect2d& box = object.box;
    labels.push_back({object.class_id, static_cast<float>((box.x + box.width / 2) / width),
                      static_cast<float>((box.y + box.height / 2) / height),
                      static_cast<float>(box.width / width),
                      static_cast<float>(box.height / height)});
  }
  return labels;
}

struct LabelledImage {
  cv::Mat image;
  std::vector<Label> labels;
};

LabelledImage paint_image(std::uint64_t seed, std::uint64_t index) {
  Rng rng({.seed = seed, .index = index, .purpose = Purpose::kDemo});
  const auto width = static_cast<int>(320 + 32 * rng.below(6));
  const auto height = std::min(360, std::max(256, width * 3 / 4 / 8 * 8));
  Picture picture;
  picture.scene.create(height * kOversampling, width * kOversampling, CV_8UC3);
  picture.owner = cv::Mat::zeros(picture.scene.size(), CV_16S);
  paint_demo_background(picture.scene, rng);
  const std::vector<Placement> signs = place_signs(picture.scene.size(), rng);
  for (const Placement& sign : signs) paint_one(picture, sign, rng);
  occlude(picture, signs, rng);
  LabelledImage result;
  result.labels = labels_of(picture);
  cv::resize(picture.scene, result.image, {width, height}, 0, 0, cv::INTER_AREA);
  apply_camera(result.image, rng);
  return result;
}

void write_file(const fs::path& path, const void* data, std::size_t size) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
  if (!stream.flush()) {
    throw Error(ErrorKind::kIo, "cannot write", {path.string(), 0, {}},
                "check permissions and free space");
  }
}

std::string description() {
  std::string text = fmt::format(
      "{}: painted road signs, made by 'gannet data demo'\n"
      "path: .\ntrain: images/train\nval: images/val\n\nnc: {}\nnames:\n",
      kMarker, kDemoClassNames.size());
  for (const char* name : kDemoClassNames) text += fmt::format("  - {}\n", name);
  return text;
}

/// Makes the folders, or throws because `dir` holds something else.
void prepare_folder(const fs::path& dir) {
  const Where where{dir.string(), 0, {}};
  std::error_code failure;
  if (fs::exists(dir) && !fs::is_directory(dir)) {
    throw Error(ErrorKind::kUsage, "is not a folder", where, "give a new or empty folder");
  }
  if (fs::exists(dir) && !fs::is_empty(dir)) {
    std::ifstream stream(dir / "demo.yaml");
    std::string line;
    if (!std::getline(stream, line) || !line.starts_with(kMarker)) {
      throw Error(ErrorKind::kUsage, "the folder is not empty and holds no demo data set", where,
                  "give a new or empty folder");
    }
  }
  for (const Split& split : kSplits) {
    for (const char* kind : {"images", "labels"}) {
      if (!split.labelled && kind == std::string("labels")) continue;
      fs::create_directories(dir / kind / split.name, failure);
      if (failure) {
        throw Error(ErrorKind::kIo, "cannot make the folders: " + failure.message(), where,
                    "check permissions and free space");
      }
    }
  }
}

void write_split(const fs::path& dir, const Split& split, std::uint64_t seed) {
  for (int i = 0; i < split.images; ++i) {
    const LabelledImage made = paint_image(seed, split.first_index + static_cast<unsigned>(i));
    std::vector<std::uint8_t> jpeg;
    cv::imencode(".jpg", made.image, jpeg, {cv::IMWRITE_JPEG_QUALITY, 92});
    const std::string stem = fmt::format("{}_{:03}", split.name, i);
    write_file(dir / "images" / split.name / (stem + ".jpg"), jpeg.data(), jpeg.size());
    if (!split.labelled) continue;
    std::string text;
    for (const Label& l : made.labels) {
      text += fmt::format("{} {:.6f} {:.6f} {:.6f} {:.6f}\n", l.class_id, l.cx, l.cy, l.width,
                          l.height);
    }
    write_file(dir / "labels" / split.name / (stem + ".txt"), text.data(), text.size());
  }
}

}  // namespace

void make_demo_dataset(const fs::path& dir, std::uint64_t seed) {
  prepare_folder(dir);
  const std::string text = description();
  write_file(dir / "demo.yaml", text.data(), text.size());  // first: marks the folder as ours
  for (const Split& split : kSplits) write_split(dir, split, seed);
}

}  // namespace gannet
