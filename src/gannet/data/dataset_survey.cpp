#include "gannet/data/dataset_survey.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/data/image_io.h"
#include "gannet/data/image_list.h"

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
    const cv::Size size = decode ? decode_image(image.path).size() : read_image_size(image.path);
    image.width = size.width;
    image.height = size.height;
    if (decode) image.content = fingerprint(read_file(image.path));
  } catch (const Error& error) {
    image.problem = error.message();
  } catch (const std::exception& error) {
    image.problem = error.what();
  }
}

void survey_labels(SurveyedImage& image) {
  if (image.has_labels || image.label_file.empty()) return;  // its rows are known already
  std::error_code ignored;
  image.has_labels = fs::exists(image.label_file, ignored);
  if (!image.has_labels) return;
  if (fs::is_directory(image.label_file, ignored)) {
    image.label_problem = "is a folder";
    return;
  }
  try {
    image.rows = read_label_rows(read_file(image.label_file));
  } catch (const Error& error) {
    image.label_problem = error.message();
  }
}

SurveyedSplit list_split(const std::string& name, const std::vector<std::string>& sources) {
  SurveyedSplit split;
  split.name = name;
  try {
    for (std::string& path : list_images(sources)) {
      SurveyedImage image;
      image.label_file = label_path(path);
      image.path = std::move(path);
      split.images.push_back(std::move(image));
    }
  } catch (const Error& error) {
    split.problem = error.message();
  }
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

/// The images that are to be read, and those that equal one of them.
struct Work {
  std::vector<SurveyedImage*> images;
  std::vector<std::pair<SurveyedImage*, const SurveyedImage*>> copies;  // to, from
};

Work plan_work(DatasetSurvey& survey) {
  Work work;
  std::unordered_map<std::string, const SurveyedImage*> known;
  for (SurveyedSplit& split : survey.splits) {
    for (SurveyedImage& image : split.images) {
      const auto [at, is_new] = known.emplace(image.path, &image);
      if (is_new) {
        work.images.push_back(&image);
      } else {
        work.copies.emplace_back(&image, at->second);
      }
    }
  }
  return work;
}

void run_work(const Work& work, const SurveyOptions& options, const SurveyProgress& progress) {
  const std::size_t total = work.images.size();
  std::atomic<std::size_t> next = 0;
  std::size_t done = 0;
  std::exception_ptr failure;
  std::mutex mutex;
  const auto run = [&] {
    try {
      for (std::size_t i = next++; i < total; i = next++) {
        survey_pixels(*work.images[i], options.decode);
        survey_labels(*work.images[i]);
        const std::scoped_lock lock(mutex);
        ++done;
        if (progress) progress(static_cast<std::int64_t>(done), static_cast<std::int64_t>(total));
      }
    } catch (...) {
      const std::scoped_lock lock(mutex);
      if (!failure) failure = std::current_exception();
      next = total;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 1; i < options.num_threads; ++i) threads.emplace_back(run);
    run();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

DatasetSurvey survey_dataset(const DataDescription& data, const SurveyOptions& options,
                             const SurveyProgress& progress) {
  DatasetSurvey survey;
  survey.data = data;
  const std::pair<const char*, const std::vector<std::string>*> named[] = {
      {"train", &data.train}, {"val", &data.val}, {"test", &data.test}};
  for (const auto& [name, sources] : named) {
    if (sources->empty()) continue;
    survey.splits.push_back(list_split(name, *sources));
    find_stray_labels(survey.splits.back(), *sources);
  }
  const Work work = plan_work(survey);
  run_work(work, options, progress);
  for (const auto& [to, from] : work.copies) *to = *from;
  return survey;
}

SurveyedSplit split_from_index(const std::string& name, const ImageIndex& index,
                               const std::string& annotations) {
  SurveyedSplit split;
  split.name = name;
  for (const IndexedImage& indexed : index.images) {
    SurveyedImage image;
    image.path = indexed.path;
    image.label_file = annotations;
    image.has_labels = true;
    for (std::size_t i = 0; i < indexed.labels.size(); ++i) {
      LabelRow row;
      row.label = indexed.labels[i];
      if (i < indexed.polygons.size()) row.polygon = indexed.polygons[i];
      row.text = label_row_text(row);
      image.rows.push_back(std::move(row));
    }
    split.images.push_back(std::move(image));
  }
  return split;
}

}  // namespace gannet
