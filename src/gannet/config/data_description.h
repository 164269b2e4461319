// The data YAML of a user: where the images are and what the classes are called.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace gannet {

/// Paths are resolved (relative to `path`, else the YAML file, else the working directory: the
/// first that exists); each of train, val, test is a list of folders, list files or a COCO json.
struct DataDescription {
  std::string file;
  std::vector<std::string> train, val, test;
  int num_classes = 0;
  std::vector<std::string> names;  // none: those of the COCO json, see complete_names
  /// COCO json or folder of Pascal VOC xml for each split that has one of its own.
  std::map<std::string, std::string> annotations = {};
  std::string download = {};  // how to get the images, in the user's words; never run
  /// The folder of the file, and `path`: entries of list files may be relative to them.
  std::vector<std::string> roots = {};

  /// Throws Error (kUsage) for another name than train, val and test.
  const std::vector<std::string>& images_of(const std::string& split) const;
  std::string annotations_of(const std::string& split) const;  // empty without
};

/// Throws Error (kConfig) with file and line: missing keys, names that do not match nc, paths that
/// do not exist. Names may be missing where a COCO json has them. A `download` key is never run;
/// its text is shown when images are missing. Other keys are warned of and ignored, but for those
/// that are nearly one of the known. Exports are met half way: `valid` for `val`, paths with
/// backslashes, and "../train" for "train" beside the file, where nothing else exists.
DataDescription load_data_description(const std::string& path);

/// The same from text. @param path where it comes from: for messages and relative paths
DataDescription parse_data_description(const std::string& text, const std::string& path);

/// The text of a YAML file with the same meaning. Paths are absolute, those below `folder`, if
/// given, relative to it: for a file there.
std::string data_description_to_yaml(const DataDescription& data, const std::string& folder = {});

/// FOLDER/_annotations.coco.json, as exports put it beside images; empty if there is none.
std::string coco_json_beside(const std::string& folder);

}  // namespace gannet
