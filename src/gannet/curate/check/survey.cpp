#include "gannet/curate/check/survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/parallel.h"
#include "gannet/data/images/image_io.h"
#include "gannet/data/images/image_list.h"
#include "gannet/data/index/image_index.h"
#include "gannet/data/labels/annotations.h"
#include "gannet/data/labels/class_list.h"
#include "gannet/data/labels/coco_labels.h"
#include "gannet/data/labels/label_path.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

/// FNV-1a; the length goes in last, so that runs of zeros differ.
std::uint64_t fingerprint(std::string_view bytes) {
  constexpr std::uint64_t kPrime = 0x100000001B3u;
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
  return (hash ^ bytes.size()) * kPrime;
}

void survey_pixels(SurveyedImage& image, bool decode) {
  try {
    const ImageShape shape = read_image_shape(image.path);
    const cv::Size size =
        decode ? decode_image(image.path).size() : cv::Size(shape.width, shape.height);
    image.width = size.width;
    image.height = size.height;
    image.orientation = shape.orientation;
    if (decode) image.content = fingerprint(read_file(image.path));
  } catch (const Error& error) {
    image.problem = error.message();
  } catch (const std::exception& error) {
    image.problem = error.what();
  }
}

/// Where the labels of a split come from.
struct SplitLabels {
  std::vector<std::string> paths;            // of the images, sorted
  std::unique_ptr<AnnotationReader> reader;  // none: YOLO text, which is read row by row
};

AnnotationRemark remark_of(const std::string& text) { return {text, text.ends_with("left out")}; }

void read_objects(SurveyedImage& image, const AnnotationReader& reader) {
  const ParsedLabels parsed =
      reader.read(image.path, {image.width, image.height, image.orientation});
  image.listed = parsed.listed;
  for (const std::string& text : parsed.problems) image.remarks.push_back(remark_of(text));
  if (!parsed.unknown_class_path.empty()) {
    image.unknown_class = parsed.unknown_class_path;
    if (parsed.unknown_class_line > 0) {
      image.unknown_class += fmt::format(":{}", parsed.unknown_class_line);
    }
    image.unknown_class +=
        fmt::format(": class '{}' is not one of the names", parsed.unknown_class);
  }
  for (std::size_t i = 0; i < parsed.labels.size(); ++i) {
    LabelRow row;
    row.label = parsed.labels[i];
    if (i < parsed.polygons.size()) row.polygon = parsed.polygons[i];
    row.text = label_row_text(row);
    image.rows.push_back(std::move(row));
  }
}

void survey_labels(SurveyedImage& image, const SplitLabels& labels) {
  std::error_code ignored;
  image.has_labels = fs::exists(image.label_file, ignored);
  if (!image.has_labels) return;
  try {
    if (!labels.reader) {
      image.rows = read_label_rows(read_file(image.label_file));
    } else if (image.readable()) {
      read_objects(image, *labels.reader);
    }
  } catch (const Error& error) {
    image.label_problem = error.message();
  }
}

ImageList find_images(const AnnotationRequest& request, const std::vector<std::string>& roots) {
  const std::string json = coco_path(request);
  const bool is_source = request.sources.size() == 1 && request.sources.front() == json;
  if (is_source) return {.paths = coco_image_paths(json, read_coco(json))};
  return list_images(request.sources, {.roots = roots});
}

SurveyedSplit list_split(const std::string& name, const DataDescription& data,
                         SplitLabels& labels) {
  SurveyedSplit split;
  split.name = name;
  try {
    const AnnotationRequest request{data.images_of(name), data.annotations_of(name), data.names,
                                    false};
    ImageList list = find_images(request, data.roots);
    labels.paths = std::move(list.paths);
    split.foreign = std::move(list.foreign);
    labels.reader = make_annotation_reader(request, labels.paths);
    split.source = labels.reader->description();
    for (const std::string& text : labels.reader->prepare(labels.paths).problems) {
      split.remarks.push_back(remark_of(text));
    }
    if (split.source == kYoloText) split.class_lists = check_class_lists(labels.paths, data.names);
    for (const std::string& path : labels.paths) {
      SurveyedImage image;
      image.label_file = find_label_file(*labels.reader, path);
      image.path = path;
      split.images.push_back(std::move(image));
    }
  } catch (const Error& error) {
    split.problem = error.what();
    split.images.clear();
    return split;
  }
  if (split.source == kYoloText) labels.reader.reset();
  return split;
}

/// Folders of label files, each with the image folders that belong to it.
std::map<fs::path, std::set<fs::path>> label_folders(const SurveyedSplit& split,
                                                     const std::vector<std::string>& sources) {
  std::map<fs::path, std::set<fs::path>> folders;
  for (const SurveyedImage& image : split.images) {
    folders[fs::path(image.label_file).parent_path()].insert(fs::path(image.path).parent_path());
  }
  std::error_code ignored;
  for (const std::string& source : sources) {
    if (!fs::is_directory(source, ignored)) continue;
    const fs::path folder = fs::path(source).lexically_normal();
    folders[fs::path(label_path((folder / "x.jpg").string())).parent_path()].insert(folder);
  }
  return folders;
}

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code failure;
  for (fs::directory_iterator at(folder, failure), end; !failure && at != end;
       at.increment(failure)) {
    files.push_back(folder / at->path().filename());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// Text files that drawing tools and people put beside labels.
bool is_no_label_file(const fs::path& file, const std::vector<std::string>& sources) {
  static const std::set<std::string> kNames = {"classes.txt", "notes.txt", "readme.txt",
                                               "README.txt"};
  const auto is_file = [&](const std::string& source) {
    return fs::path(source).lexically_normal() == file.lexically_normal();
  };
  return file.extension() != ".txt" || file.filename().string().starts_with('.') ||
         kNames.contains(file.filename().string()) ||
         std::any_of(sources.begin(), sources.end(), is_file);
}

void find_stray_labels(SurveyedSplit& split, const std::vector<std::string>& sources) {
  for (const auto& [folder, image_folders] : label_folders(split, sources)) {
    std::set<std::string> expected;
    for (const fs::path& image_folder : image_folders) {
      for (const fs::path& file : files_of(image_folder)) {
        if (has_image_suffix(file.string())) expected.insert(file.stem().string());
      }
    }
    for (const fs::path& file : files_of(folder)) {
      if (is_no_label_file(file, sources) || expected.contains(file.stem().string())) continue;
      split.stray_labels.push_back(file.string());
    }
  }
}

/// The images that are to be read, and those whose picture is one of them.
struct Work {
  struct Item {
    SurveyedImage* image;
    const SplitLabels* labels;
    const Item* same = nullptr;  // read before
  };
  std::deque<Item> images, copies;
};

Work plan_work(DatasetSurvey& survey, const std::deque<SplitLabels>& labels) {
  Work work;
  std::unordered_map<std::string, const Work::Item*> known;
  for (std::size_t s = 0; s < survey.splits.size(); ++s) {
    for (SurveyedImage& image : survey.splits[s].images) {
      if (const auto same = known.find(image.path); same != known.end()) {
        work.copies.push_back({&image, &labels[s], same->second});
      } else {
        work.images.push_back({&image, &labels[s]});
        known.emplace(image.path, &work.images.back());
      }
    }
  }
  return work;
}

void finish_copy(const Work::Item& copy) {
  SurveyedImage& image = *copy.image;
  const SurveyedImage& same = *copy.same->image;
  if (!copy.labels->reader && !copy.same->labels->reader) {
    image = same;
    return;
  }
  image.width = same.width;
  image.height = same.height;
  image.orientation = same.orientation;
  image.problem = same.problem;
  image.content = same.content;
  survey_labels(image, *copy.labels);
}

void run_work(const Work& work, const SurveyOptions& options, const SurveyProgress& progress) {
  const auto total = static_cast<std::int64_t>(work.images.size());
  std::int64_t done = 0;
  std::mutex mutex;
  parallel_for(work.images.size(), options.num_threads, [&](std::size_t i) {
    survey_pixels(*work.images[i].image, options.decode);
    survey_labels(*work.images[i].image, *work.images[i].labels);
    const std::scoped_lock lock(mutex);
    ++done;
    if (progress) progress(done, total);
  });
}

}  // namespace

DatasetSurvey survey_dataset(const DataDescription& data, const SurveyOptions& options,
                             const SurveyProgress& progress) {
  DatasetSurvey survey;
  survey.data = data;
  complete_names(survey.data);
  std::deque<SplitLabels> labels;  // readers keep the address of their paths
  for (const char* name : {"train", "val", "test"}) {
    if (survey.data.images_of(name).empty()) continue;
    survey.splits.push_back(list_split(name, survey.data, labels.emplace_back()));
    const bool is_yolo = !labels.back().reader;
    if (is_yolo) find_stray_labels(survey.splits.back(), survey.data.images_of(name));
  }
  const Work work = plan_work(survey, labels);
  run_work(work, options, progress);
  for (const Work::Item& copy : work.copies) finish_copy(copy);
  return survey;
}

}  // namespace gannet
