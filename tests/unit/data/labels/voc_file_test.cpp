#include "gannet/data/labels/voc_file.h"

#include <gmock/gmock.h>

#include "tests/unit/data/data_fixture.h"
#include "tests/unit/thrown_error.h"

namespace gannet::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string object(const std::string& name, const std::string& corners, int difficult = 0) {
  const auto numbers = [&] {
    std::istringstream stream(corners);
    std::string text, word;
    for (const char* tag : {"xmin", "ymin", "xmax", "ymax"}) {
      stream >> word;
      text += std::string("<") + tag + ">" + word + "</" + tag + ">";
    }
    return text;
  };
  return "<object>\n<name>" + name + "</name><difficult>" + std::to_string(difficult) +
         "</difficult><bndbox>" + numbers() + "</bndbox></object>\n";
}

std::string voc(const std::string& objects, int width = 40, int height = 30) {
  return "<annotation>\n<size><width>" + std::to_string(width) + "</width><height>" +
         std::to_string(height) + "</height></size>\n" + objects + "</annotation>\n";
}

ParsedLabels parse(const std::string& text) {
  const ClassNumbers numbers({"cat", "dog"});
  return parse_voc(text, "a.xml", {{40, 30}, &numbers});
}

TEST(VocFile, BoxesAreDividedByTheSizeWithoutOffset) {
  const ParsedLabels parsed =
      parse(voc(object("dog", "10 6 30 18") + object("cat", "0 0 40 30", 1)));
  EXPECT_THAT(parsed.labels,
              ElementsAre(Label{1, 0.5F, 0.4F, 0.5F, 0.4F}, Label{0, 0.5F, 0.5F, 1, 1}));
  EXPECT_THAT(parsed.difficult, ElementsAre(0, 1));
  EXPECT_THAT(parsed.problems, IsEmpty());
}

TEST(VocFile, SizeOfTheImageStandsInForAMissingOne) {
  EXPECT_THAT(parse("<annotation>" + object("cat", "10 6 30 18") + "</annotation>").labels,
              ElementsAre(Label{0, 0.5F, 0.4F, 0.5F, 0.4F}));
  EXPECT_THAT(parse(voc(object("cat", "10 6 30 18"), 0, 0)).problems, IsEmpty());
  const ParsedLabels other = parse(voc(object("cat", "20 12 60 36"), 80, 60));
  EXPECT_THAT(other.labels, ElementsAre(Label{0, 0.5F, 0.4F, 0.5F, 0.4F}));
  EXPECT_THAT(other.problems, ElementsAre("a.xml:2: says 80 x 60 pixels, the image has 40 x 30"));
}

TEST(VocFile, NamesWhatItCannotUse) {
  const ParsedLabels parsed = parse(voc(object("cat", "10 6 x 18") + object("cat", "30 6 10 18") +
                                        object("cat", "50 6 60 18") + object("bird", "1 1 2 2") +
                                        object("cat", "30 6 70 18")));
  EXPECT_THAT(parsed.problems, ElementsAre("a.xml:3: object without xmax, left out",
                                           "a.xml:5: box with a negative size, left out",
                                           "a.xml:7: box outside of the image, left out",
                                           "a.xml:11: box reaches out of the image, clipped"));
  EXPECT_EQ(parsed.labels.size(), 2);
  EXPECT_EQ(parsed.unknown_class, "bird");
  EXPECT_EQ(parsed.unknown_class_path, "a.xml");
  EXPECT_EQ(parsed.unknown_class_line, 9);
}

TEST(VocFile, OtherTextIsAnError) {
  const auto error_of = [](const std::string& text) { return thrown_error([&] { parse(text); }); };
  EXPECT_THAT(error_of("<annotation>\n<size>\n</annotation>").what(), HasSubstr("a.xml:3: no xml"));
  EXPECT_THAT(error_of("").what(), HasSubstr("no xml"));
  EXPECT_THAT(error_of("<html></html>").what(), HasSubstr("no <annotation>"));
  std::string deep = "<annotation>";
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  for (int i = 0; i < 100'000; ++i) deep += "</a>";
  EXPECT_THAT(error_of(deep + "</annotation>").what(), HasSubstr("nested more than 64 deep"));
}

TEST(VocFile, EntitiesAreNotExpanded) {
  const std::string text =
      "<!DOCTYPE annotation [<!ENTITY x SYSTEM \"file:///etc/hostname\"><!ENTITY y \"cat\">]>" +
      voc(object("&x;", "1 1 2 2"));
  EXPECT_EQ(parse(text).unknown_class, "&x;");
}

using VocIndex = DataFolder;

TEST_F(VocIndex, FilesAreFoundWhereToolsPutThem) {
  write_image("images/10.jpg", 40, 30);
  std::filesystem::create_directories(root_ / "images/train");
  std::filesystem::rename(path("images/10.jpg"), path("images/train/10.jpg"));
  IndexOptions options;
  options.use_cache = false;
  options.names = {"cat"};
  for (const char* folder :
       {"images/train", "annotations/train", "Annotations", "annotations", "images/Annotations"}) {
    std::filesystem::create_directories(root_ / folder);
    const std::string file = std::string(folder) + "/10.xml";
    write_text(file, voc(object("cat", "10 6 30 18")));
    const ImageIndex index = build_image_index({path("images/train")}, options);
    EXPECT_EQ(index.num_labels(), 1) << folder;
    EXPECT_THAT(index.source, HasSubstr("Pascal VOC xml"));
    std::filesystem::remove(path(file));
  }
  EXPECT_EQ(build_image_index({path("images/train")}, options).source, "YOLO text");
}

TEST_F(VocIndex, AFolderThatIsNamedWinsOverYoloText) {
  write_set(1);
  std::filesystem::create_directories(root_ / "xml");
  write_text("xml/10.xml", voc(object("cat", "0 0 20 15", 1) + object("cat", "1 1 9 9")));
  IndexOptions options;
  options.use_cache = false;
  options.names = {"cat"};
  EXPECT_EQ(build_image_index({path("images")}, options).num_labels(), 1);
  options.annotations = path("xml");
  const ImageIndex index = build_image_index({path("images")}, options);
  EXPECT_EQ(index.num_labels(), 2);
  EXPECT_EQ(index.report.difficult, 1);
  EXPECT_THAT(index.images[0].difficult, ElementsAre(1, 0));
  options.names = {"dog"};
  const Error error = thrown_error([&] { build_image_index({path("images")}, options); });
  EXPECT_EQ(error.where().path, path("xml/10.xml"));
  EXPECT_EQ(error.where().line, 3);
  options.annotations = path("labels");
  EXPECT_THAT(thrown_error([&] { build_image_index({path("images")}, options); }).what(),
              HasSubstr("no xml file for any of 1 images"));
}

TEST(VocFile, BoxesOfTheStoredPictureAreTurnedWithIt) {
  const std::string xml =
      "<annotation><size><width>64</width><height>32</height></size><object><name>a</name><bndbox>"
      "<xmin>48</xmin><ymin>8</ymin><xmax>56</xmax><ymax>24</ymax></bndbox></object></annotation>";
  const ParsedLabels turned = parse_voc(xml, "b.xml", {{32, 64, 6}, nullptr});
  EXPECT_TRUE(turned.problems.empty());
  ASSERT_EQ(turned.labels.size(), 1);
  EXPECT_EQ(turned.labels[0], (Label{0, 0.5F, 52 / 64.0F, 0.5F, 8 / 64.0F}));
  EXPECT_EQ(parse_voc(xml, "a.xml", {{32, 64}, nullptr}).problems.size(), 1);
}

}  // namespace
}  // namespace gannet::testing
