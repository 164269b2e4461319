#include "gannet/curate/convert/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <system_error>
#include <utility>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/curate/convert/convert_text.h"
#include "gannet/data/index/image_index.h"
#include "gannet/data/labels/label_path.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSplits[] = {"train", "val", "test"};

/// Calls a function of the file system that reports by error code; throws Error (kIo) naming
/// `path`.
template <class Function>
void checked(const fs::path& path, const char* action, const Function& function) {
  std::error_code error;
  function(error);
  if (!error) return;
  throw Error(ErrorKind::kIo, fmt::format("cannot {}: {}", action, error.message()),
              {path.string(), 0, {}}, "check permissions and free space");
}

// Not flushed one by one: a set is complete when its data.yaml, written last, is there.
void write_text(const fs::path& path, const std::string& text) {
  std::ofstream stream(path, std::ios::binary);
  stream << text;
  stream.close();
  if (stream) return;
  throw Error(ErrorKind::kIo, "cannot write", {path.string(), 0, {}},
              "check permissions and free space");
}

bool is_within(const fs::path& path, const fs::path& folder) {
  std::error_code ignored;
  const fs::path whole = fs::weakly_canonical(path, ignored);
  const fs::path part = fs::weakly_canonical(folder, ignored);
  return std::mismatch(part.begin(), part.end(), whole.begin(), whole.end()).first == part.end();
}

/// The new data set under construction.
class Conversion {
 public:
  Conversion(const DataDescription& data, const std::string& folder, AnnotationFormat format,
             const ConvertOptions& options)
      : data_(data), folder_(folder), format_(format), options_(options) {}

  ConvertReport run() {
    complete_names(data_);
    check_names();
    check_folder();
    new_data_ = {};
    new_data_.num_classes = data_.num_classes;
    new_data_.names = data_.names;
    for (const char* split : kSplits) add_split(split);
    report_.data_file = (folder_ / "data.yaml").string();
    write_file_atomically(report_.data_file, data_description_to_yaml(new_data_, folder_.string()));
    tell_losses();
    return std::move(report_);
  }

 private:
  void check_names() const {
    if (format_ == AnnotationFormat::kYolo) return;
    std::set<std::string> seen;
    for (const std::string& name : data_.names) {
      if (seen.insert(name).second) continue;
      throw Error(ErrorKind::kData, fmt::format("two classes are called '{}'", name),
                  {data_.file, 0, "names"}, "COCO and VOC tell classes by name; rename one");
    }
  }

  void check_folder() const {
    std::error_code ignored;
    if (!options_.exist_ok && fs::exists(folder_, ignored) && !fs::is_empty(folder_, ignored)) {
      throw Error(ErrorKind::kUsage, "the folder is not empty", {folder_.string(), 0, {}},
                  "name a new one, or add --exist-ok");
    }
    check_outside(data_.file);
    for (const auto& [split, path] : data_.annotations) check_outside(path);
  }

  /// Whatever is read must not lie where this writes.
  void check_outside(const fs::path& source) const {
    if (!is_within(source, folder_)) return;
    throw Error(ErrorKind::kUsage, fmt::format("holds the source ({})", source.string()),
                {folder_.string(), 0, {}}, "name another folder: a source is never written to");
  }

  void add_split(const std::string& split) {
    const std::vector<std::string>& sources = data_.images_of(split);
    if (sources.empty()) return;
    for (const std::string& source : sources) {
      std::error_code ignored;
      if (fs::exists(source, ignored)) continue;
      report_.notes.push_back(fmt::format("{}: {} does not exist, left out", split, source));
      return;
    }
    for (const char* earlier : kSplits) {
      if (earlier == split) break;
      if (data_.images_of(earlier) != sources ||
          data_.annotations_of(earlier) != data_.annotations_of(split)) {
        continue;
      }
      set_split(split, new_data_.images_of(earlier), new_data_.annotations_of(earlier));
      return;
    }
    write_split(split);
  }

  void set_split(const std::string& split, const std::vector<std::string>& images,
                 const std::string& annotations) {
    (split == "train" ? new_data_.train : split == "val" ? new_data_.val : new_data_.test) = images;
    if (!annotations.empty()) new_data_.annotations[split] = annotations;
  }

  void write_split(const std::string& split) {
    IndexOptions index_options;
    index_options.use_cache = options_.use_cache;
    const ImageIndex index = build_split_index(data_, split, index_options);
    log_report(index, split);
    check_sources(index);
    const fs::path images = folder_ / "images" / split;
    const fs::path labels = labels_folder() / split;
    make_folder(images);
    make_folder(format_ == AnnotationFormat::kCoco ? labels_folder() : labels);
    const std::vector<std::string> names = new_names(index);
    const auto total = static_cast<std::int64_t>(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
      take_image(index.images[i].path, images / names[i]);
      write_labels(index.images[i], names[i], labels);
      if (options_.progress) options_.progress(static_cast<std::int64_t>(i) + 1, total);
    }
    const fs::path json = labels.string() + ".json";
    if (format_ == AnnotationFormat::kCoco) {
      write_file_atomically(json, coco_text(index, names, data_.names));
    }
    has_category_ids_ = has_category_ids_ || !index.category_ids.empty();
    report_.images += total;
    report_.labels += index.num_labels();
    const bool is_yolo = format_ == AnnotationFormat::kYolo;
    const fs::path annotations = format_ == AnnotationFormat::kCoco ? json : labels;
    set_split(split, {images.string()}, is_yolo ? std::string{} : annotations.string());
  }

  fs::path labels_folder() const {
    return folder_ / (format_ == AnnotationFormat::kYolo ? "labels" : "annotations");
  }

  static void make_folder(const fs::path& path) {
    checked(path, "make", [&](std::error_code& error) { fs::create_directories(path, error); });
  }

  void check_sources(const ImageIndex& index) const {
    std::set<fs::path> folders;
    for (const IndexedImage& image : index.images) {
      folders.insert(fs::path(image.path).parent_path());
      folders.insert(fs::path(label_path(image.path)).parent_path());
    }
    for (const fs::path& folder : folders) check_outside(folder.empty() ? "." : folder);
  }

  /// File names of the images; stems that repeat get a number, as labels go by the stem.
  static std::vector<std::string> new_names(const ImageIndex& index) {
    std::vector<std::string> names;
    std::set<std::string> stems;
    for (const IndexedImage& image : index.images) {
      const fs::path path(image.path);
      std::string stem = path.stem().string();
      for (int number = 2; !stems.insert(stem).second; ++number) {
        stem = fmt::format("{}_{}", path.stem().string(), number);
      }
      names.push_back(stem + path.extension().string());
    }
    return names;
  }

  /// An old file is removed, not written over: it may be a hard link to the source.
  void take_image(const fs::path& from, const fs::path& to) const {
    checked(to, "replace", [&](std::error_code& error) { fs::remove(to, error); });
    std::error_code not_linked;
    if (options_.link) fs::create_hard_link(fs::canonical(from), to, not_linked);
    if (options_.link && !not_linked) return;
    checked(to, "copy", [&](std::error_code& error) { fs::copy_file(from, to, error); });
    checked(to, "make writable", [&](std::error_code& error) {
      fs::permissions(to, fs::perms::owner_write, fs::perm_options::add, error);
    });
  }

  void write_labels(const IndexedImage& image, const std::string& name, const fs::path& folder) {
    const fs::path file = folder / fs::path(name).stem();
    if (format_ == AnnotationFormat::kYolo) {
      write_text(file.string() + ".txt", yolo_text(image, options_.outlines, losses_));
    } else if (format_ == AnnotationFormat::kVoc) {
      write_text(file.string() + ".xml", voc_text(image, name, data_.names, losses_));
    }
  }

  void tell_losses() {
    const auto tell = [&](std::int64_t count, const char* what) {
      if (count > 0) report_.notes.push_back(fmt::format("{} {}", count, what));
    };
    const bool is_yolo = format_ == AnnotationFormat::kYolo;
    tell(losses_.outlines, is_yolo ? "outlines left out, their boxes kept (--outlines writes them)"
                                   : "outlines left out, their boxes kept");
    tell(losses_.crowd, "crowd regions left out");
    tell(losses_.difficult, "marks 'difficult' left out, their labels kept");
    tell(losses_.ids, "image ids left out");
    if (has_category_ids_ && format_ != AnnotationFormat::kCoco) {
      report_.notes.emplace_back("category ids left out: classes count from 0");
    }
  }

  DataDescription data_, new_data_;
  fs::path folder_;
  AnnotationFormat format_;
  const ConvertOptions& options_;
  ConvertReport report_;
  ConvertLosses losses_;
  bool has_category_ids_ = false;
};

}  // namespace

AnnotationFormat annotation_format(const std::string& name) {
  if (name == "yolo") return AnnotationFormat::kYolo;
  if (name == "coco") return AnnotationFormat::kCoco;
  if (name == "voc") return AnnotationFormat::kVoc;
  throw Error(ErrorKind::kUsage, fmt::format("'{}' is not one of yolo, coco, voc", name));
}

ConvertReport convert_dataset(const DataDescription& data, const std::string& folder,
                              AnnotationFormat format, const ConvertOptions& options) {
  return Conversion(data, folder, format, options).run();
}

}  // namespace gannet
