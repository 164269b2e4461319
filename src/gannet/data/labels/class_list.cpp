#include "gannet/data/labels/class_list.h"

#include <fmt/format.h>

#include <filesystem>
#include <set>
#include <string_view>

#include "gannet/core/atomic_file.h"
#include "gannet/core/class_match.h"
#include "gannet/core/text.h"
#include "gannet/data/labels/label_path.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

/// Of the label files, and the folders above these.
std::set<fs::path> label_folders(const std::vector<std::string>& images) {
  std::set<fs::path> folders;
  std::string_view last = "none";
  for (const std::string& image : images) {
    const auto folder = std::string_view(image).substr(0, image.rfind('/') + 1);
    if (folder == last) continue;  // images are sorted
    last = folder;
    const fs::path labels = fs::path(label_path(image)).parent_path();
    folders.insert({labels, labels.parent_path()});
  }
  return folders;
}

std::string check_list(const fs::path& path, const std::vector<std::string>& names) {
  const std::string text = read_file(path);
  std::vector<std::string> listed;
  for (const std::string& line : split(without_byte_order_mark(text), '\n'))
    if (!trim(line).empty()) listed.emplace_back(trim(line));
  const ClassMatch match = match_classes(listed, names);
  for (std::size_t i = 0; i < match.to.size(); ++i) {
    if (match.to[i] < 0 || match.to[i] == static_cast<int>(i)) continue;
    return fmt::format(
        "{}:{}: '{}' is class {} here and {} in the data description: labels may bear wrong names",
        path.string(), i + 1, listed[i], i, match.to[i]);
  }
  return {};
}

}  // namespace

std::vector<std::string> check_class_lists(const std::vector<std::string>& images,
                                           const std::vector<std::string>& names) {
  std::vector<std::string> problems;
  if (names.empty()) return problems;
  for (const fs::path& folder : label_folders(images)) {
    std::error_code ignored;
    const fs::path path = folder / "classes.txt";
    if (!fs::is_regular_file(path, ignored)) continue;
    if (std::string problem = check_list(path, names); !problem.empty())
      problems.push_back(std::move(problem));
  }
  return problems;
}

}  // namespace gannet
