#include "gannet/curate/convert/convert_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <pugixml.hpp>
#include <set>
#include <sstream>

#include "gannet/data/labels/annotations_pixels.h"
#include "gannet/data/labels/label_file.h"

namespace gannet {
namespace {

const Polygon& outline_of(const IndexedImage& image, std::size_t label) {
  static const Polygon none;
  return label < image.polygons.size() ? image.polygons[label] : none;
}

bool is_difficult(const IndexedImage& image, std::size_t label) {
  return label < image.difficult.size() && image.difficult[label] != 0;
}

std::int64_t count_outlines(const IndexedImage& image) {
  return std::count_if(image.polygons.begin(), image.polygons.end(),
                       [](const Polygon& outline) { return !outline.empty(); });
}

void count_losses(const IndexedImage& image, ConvertLosses& losses) {
  losses.crowd += static_cast<std::int64_t>(image.crowd.size());
  losses.ids += image.id >= 0 ? 1 : 0;
}

struct PixelBox {
  PixelRun x, y;
};

PixelBox box_of(const Label& label, const IndexedImage& image) {
  return {to_run({label.cx, label.width}, image.width),
          to_run({label.cy, label.height}, image.height)};
}

/// A text in JSON's quotes; bytes that are no UTF-8 are replaced.
std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// The whole of a file name's stem as a number.
std::optional<std::int64_t> number_of(const std::string& file_name) {
  const std::size_t size = std::min(file_name.rfind('.'), file_name.size());
  const char* const last = file_name.data() + size;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(file_name.data(), last, number);
  if (error != std::errc{} || end != last || number < 0) return std::nullopt;
  return number;
}

std::vector<std::int64_t> image_ids(const ImageIndex& index,
                                    const std::vector<std::string>& file_names) {
  std::vector<std::int64_t> own, numbers, counted;
  for (std::size_t i = 0; i < file_names.size(); ++i) {
    own.push_back(index.images[i].id);
    numbers.push_back(number_of(file_names[i]).value_or(-1));
    counted.push_back(static_cast<std::int64_t>(i) + 1);
  }
  for (const auto& ids : {own, numbers}) {
    const std::set<std::int64_t> distinct(ids.begin(), ids.end());
    if (distinct.size() == ids.size() && !distinct.contains(-1)) return ids;
  }
  return counted;
}

std::vector<std::int64_t> category_ids(const ImageIndex& index, std::size_t num_classes) {
  std::vector<std::int64_t> ids = index.category_ids;
  ids.resize(num_classes, -1);
  std::int64_t next = 1 + *std::max_element(ids.begin(), ids.end());
  if (next == 0) next = 1;  // COCO counts from 1
  for (std::int64_t& id : ids) {
    if (id < 0) id = next++;
  }
  return ids;
}

using Out = std::back_insert_iterator<std::string>;

/// One image's annotations, ids counted on from `next_id`.
class CocoObjects {
 public:
  CocoObjects(std::string& text, const std::vector<std::int64_t>& categories)
      : text_(text), categories_(categories) {}

  void add(const IndexedImage& image, std::int64_t image_id) {
    for (std::size_t i = 0; i < image.labels.size(); ++i) {
      begin(image, image.labels[i], image_id);
      add_outline(image, outline_of(image, i));
      fmt::format_to(Out(text_), ", \"iscrowd\": 0{}}}",
                     is_difficult(image, i) ? ", \"difficult\": 1" : "");
    }
    for (const Label& crowd : image.crowd) {
      begin(image, crowd, image_id);
      text_ += "[], \"iscrowd\": 1}";
    }
  }

 private:
  void begin(const IndexedImage& image, const Label& label, std::int64_t image_id) {
    const auto [x, y] = box_of(label, image);
    fmt::format_to(Out(text_),
                   "{}\n{{\"id\": {}, \"image_id\": {}, \"category_id\": {}, "
                   "\"bbox\": [{}, {}, {}, {}], \"area\": {:.3f}, \"segmentation\": ",
                   next_id_ == 1 ? "" : ",", next_id_, image_id,
                   categories_[static_cast<std::size_t>(label.class_id)], x.start, y.start,
                   x.length, y.length, x.length * y.length);
    ++next_id_;
  }

  void add_outline(const IndexedImage& image, const Polygon& outline) {
    text_ += outline.empty() ? "[" : "[[";
    for (std::size_t i = 0; i < outline.size(); ++i) {
      fmt::format_to(Out(text_), "{}{}, {}", i == 0 ? "" : ", ",
                     to_pixel(outline[i][0], image.width), to_pixel(outline[i][1], image.height));
    }
    text_ += outline.empty() ? "]" : "]]";
  }

  std::string& text_;
  const std::vector<std::int64_t>& categories_;
  std::int64_t next_id_ = 1;
};

void set(pugi::xml_node parent, const char* name, const std::string& text) {
  parent.append_child(name).text().set(text.c_str());
}

void add_voc_object(pugi::xml_node root, const IndexedImage& image, std::size_t i,
                    const std::string& name) {
  const Label& label = image.labels[i];
  const PixelEnds x = to_ends({label.cx, label.width}, image.width);
  const PixelEnds y = to_ends({label.cy, label.height}, image.height);
  pugi::xml_node object = root.append_child("object");
  set(object, "name", name);
  set(object, "difficult", is_difficult(image, i) ? "1" : "0");
  pugi::xml_node box = object.append_child("bndbox");
  set(box, "xmin", fmt::format("{}", x.first));
  set(box, "ymin", fmt::format("{}", y.first));
  set(box, "xmax", fmt::format("{}", x.last));
  set(box, "ymax", fmt::format("{}", y.last));
}

}  // namespace

std::string yolo_text(const IndexedImage& image, bool outlines, ConvertLosses& losses) {
  std::string text;
  for (std::size_t i = 0; i < image.labels.size(); ++i) {
    const Label& label = image.labels[i];
    const Polygon& outline = outline_of(image, i);
    // A row of fewer than three points would read as a box.
    const bool as_outline =
        outline.size() >= 3 && (outlines || box_around(label.class_id, outline) == label);
    losses.outlines += !outline.empty() && !as_outline ? 1 : 0;
    losses.difficult += is_difficult(image, i) ? 1 : 0;
    fmt::format_to(Out(text), "{}", label.class_id);
    if (as_outline) {
      for (const auto& [x, y] : outline) fmt::format_to(Out(text), " {} {}", x, y);
    } else {
      fmt::format_to(Out(text), " {} {} {} {}", label.cx, label.cy, label.width, label.height);
    }
    text += '\n';
  }
  count_losses(image, losses);
  return text;
}

std::string voc_text(const IndexedImage& image, const std::string& file_name,
                     const std::vector<std::string>& names, ConvertLosses& losses) {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("annotation");
  set(root, "filename", file_name);
  pugi::xml_node size = root.append_child("size");
  set(size, "width", std::to_string(image.width));
  set(size, "height", std::to_string(image.height));
  set(size, "depth", "3");
  for (std::size_t i = 0; i < image.labels.size(); ++i) {
    add_voc_object(root, image, i, names[static_cast<std::size_t>(image.labels[i].class_id)]);
  }
  losses.outlines += count_outlines(image);
  count_losses(image, losses);
  std::ostringstream text;
  document.save(text, " ", pugi::format_indent | pugi::format_no_declaration);
  return text.str();
}

std::string coco_text(const ImageIndex& index, const std::vector<std::string>& file_names,
                      const std::vector<std::string>& names) {
  const std::vector<std::int64_t> ids = image_ids(index, file_names);
  const std::vector<std::int64_t> categories = category_ids(index, names.size());
  std::string text = "{\"images\": [";
  for (std::size_t i = 0; i < file_names.size(); ++i) {
    fmt::format_to(Out(text),
                   "{}\n{{\"id\": {}, \"file_name\": {}, \"width\": {}, \"height\": {}}}",
                   i == 0 ? "" : ",", ids[i], quoted(file_names[i]), index.images[i].width,
                   index.images[i].height);
  }
  text += "],\n\"annotations\": [";
  CocoObjects objects(text, categories);
  for (std::size_t i = 0; i < file_names.size(); ++i) objects.add(index.images[i], ids[i]);
  text += "],\n\"categories\": [";
  for (std::size_t i = 0; i < names.size(); ++i) {
    fmt::format_to(Out(text), "{}\n{{\"id\": {}, \"name\": {}}}", i == 0 ? "" : ",", categories[i],
                   quoted(names[i]));
  }
  return text + "]}\n";
}

}  // namespace gannet
