#include "gannet/config/data_description.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class DataDescriptionFile : public testing::TemporaryFolder {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    make_folder("images");
    make_folder("set/images");
  }
  DataDescription load(const std::string& text) const {
    return load_data_description(write("data.yaml", text));
  }
  Error error_of(const std::string& text) const {
    return testing::thrown_error([&] { load(text); });
  }
};

TEST_F(DataDescriptionFile, NamesAsList) {
  const auto data = load("train: images\nval: images\nnc: 2\nnames: [cat, dog]\n");
  EXPECT_EQ(data.num_classes, 2);
  EXPECT_THAT(data.names, ElementsAre("cat", "dog"));
  EXPECT_EQ(data.file, path("data.yaml"));
  EXPECT_TRUE(data.test.empty());
}

TEST_F(DataDescriptionFile, NamesAsMapGiveTheClassCount) {
  const auto data = load("train: images\nval: images\nnames:\n  0: cat\n  1: dog\n  2: 3\n");
  EXPECT_EQ(data.num_classes, 3);
  EXPECT_THAT(data.names, ElementsAre("cat", "dog", "3"));
  EXPECT_EQ(error_of("train: images\nval: images\nnames:\n  0: cat\n  2: dog\n").where().line, 5);
}

TEST_F(DataDescriptionFile, PathsAreLookedForBelowPathThenBesideTheFile) {
  EXPECT_THAT(load("train: images\nval: images\nnames: [a]\n").train, ElementsAre(path("images")));
  EXPECT_THAT(load("path: set\ntrain: images\nval: images\nnames: [a]\n").train,
              ElementsAre(path("set/images")));
  EXPECT_THAT(load("path: other\ntrain: images\nval: images\nnames: [a]\n").train,
              ElementsAre(path("images")));
  EXPECT_THAT(load("path: " + path("set") + "\ntrain: images\nval: images\nnames: [a]\n").train,
              ElementsAre(path("set/images")));
  EXPECT_THAT(load("train: [images, set/images]\nval: " + path("images") + "\nnames: [a]\n").train,
              ElementsAre(path("images"), path("set/images")));
}

TEST_F(DataDescriptionFile, ExportsStartAsTheyAre) {
  make_folder("train/images");
  make_folder("valid/images");
  const auto data = load(
      "train: ../train/images\nval: ..\\valid\\images\ntest: ../test/images\nnames: [a]\n"
      "roboflow:\n  workspace: lab\n");
  EXPECT_THAT(data.train, ElementsAre(path("train/images")));
  EXPECT_THAT(data.val, ElementsAre(path("valid/images")));
  EXPECT_THAT(load("train: train/images\nvalid: valid/images\nnames: [a]\n").val,
              ElementsAre(path("valid/images")));
  EXPECT_THAT(error_of("train: images\nval: images\nname: [a]\n").what(),
              HasSubstr("did you mean 'names'?"));
}

TEST_F(DataDescriptionFile, RootsOutliveTheWrittenCopy) {
  const auto data = load("path: set\ntrain: images\nval: images\nnames: [a]\n");
  write("copy.yaml", data_description_to_yaml(data));
  const auto copy = load_data_description(path("copy.yaml"));
  EXPECT_EQ(copy.train, data.train);
  EXPECT_THAT(copy.roots, ::testing::Contains(path("set")));
}

TEST_F(DataDescriptionFile, TestImagesMayBeMissing) {
  EXPECT_THAT(load("train: images\nval: images\ntest: none\nnames: [a]\n").test,
              ElementsAre("none"));
}

TEST_F(DataDescriptionFile, CountOfNamesMustAgree) {
  const Error error = error_of("train: images\nval: images\nnc: 3\nnames: [cat, dog]\n");
  EXPECT_EQ(error.kind(), ErrorKind::kConfig);
  EXPECT_EQ(error.where().line, 4);
  EXPECT_EQ(error.message(), "2 names for nc = 3");
}

TEST_F(DataDescriptionFile, MissingImagesShowTheDownloadText) {
  const Error error =
      error_of("train: images\nval: none\nnames: [a]\ndownload: get it from example.org\n");
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_EQ(error.where().line, 2);
  EXPECT_EQ(error.where().key, "val");
  EXPECT_THAT(error.what(), HasSubstr("'none' does not exist"));
  EXPECT_THAT(error.advice(), HasSubstr("get it from example.org"));
}

TEST_F(DataDescriptionFile, MissingAndUnknownKeys) {
  EXPECT_EQ(error_of("train: images\nnames: [a]\n").where().key, "val");
  EXPECT_EQ(error_of("train: images\nval: images\nnc: 1\n").where().key, "names");
  EXPECT_EQ(error_of("train: images\nval: images\nnc: 0\nnames: []\n").where().key, "nc");
  const Error unknown = error_of("train: images\nvall: images\nnames: [a]\n");
  EXPECT_EQ(unknown.where().line, 2);
  EXPECT_THAT(unknown.what(), HasSubstr("did you mean 'val'?"));
}

TEST_F(DataDescriptionFile, AnnotationsForAllSplitsOrEach) {
  write("a.json", "{}");
  const auto all = load("train: images\nval: images\nannotations: a.json\nnames: [a]\n");
  EXPECT_EQ(all.annotations_of("train"), path("a.json"));
  EXPECT_EQ(all.annotations_of("test"), path("a.json"));
  const auto one = load("train: images\nval: images\nannotations: {val: a.json}\nnames: [a]\n");
  EXPECT_EQ(one.annotations_of("train"), "");
  EXPECT_EQ(one.annotations_of("val"), path("a.json"));
  EXPECT_EQ(error_of("train: images\nval: images\nannotations: b.json\nnames: [a]\n").where().key,
            "annotations");
  EXPECT_THAT(
      error_of("train: images\nval: images\nannotations: {vall: a.json}\nnames: [a]\n").what(),
      HasSubstr("did you mean 'val'?"));
  const auto again = load(data_description_to_yaml(one));
  EXPECT_EQ(again.annotations, one.annotations);
}

TEST_F(DataDescriptionFile, NamesMayComeFromAJson) {
  write("a.json", "{}");
  EXPECT_TRUE(load("train: a.json\nval: a.json\n").names.empty());
  EXPECT_TRUE(load("train: images\nval: images\nannotations: a.json\n").names.empty());
  EXPECT_EQ(error_of("train: images\nval: images\nannotations: set\n").where().key, "names");
  EXPECT_EQ(error_of("train: a.json\nval: a.json\nnc: 2\n").where().key, "names");
}

TEST_F(DataDescriptionFile, NamesAreTextInUtf8) {
  const auto error_of_name = [&](const std::string& name) {
    return error_of("train: images\nval: images\nnames: [cat, " + name + "]\n");
  };
  EXPECT_EQ(error_of_name("\"\nd\xEFg\"").where().key, "names");  // found by fuzzing
  EXPECT_EQ(error_of_name("\"d\\x01g\"").where().line, 3);
  EXPECT_EQ(error_of_name("d\xC3").where().key, "names");
  EXPECT_THAT(
      load("train: images\nval: images\nnames: [k\xC3\xA4se, ' a b ', \xF0\x9F\x90\xB1]\n").names,
      ElementsAre("k\xC3\xA4se", "a b", "\xF0\x9F\x90\xB1"));
}

TEST_F(DataDescriptionFile, SplitsByName) {
  const auto data = load("train: images\nval: set/images\nnames: [a]\n");
  EXPECT_EQ(data.images_of("train"), data.train);
  EXPECT_EQ(data.images_of("val"), data.val);
  EXPECT_TRUE(data.images_of("test").empty());
  EXPECT_ERROR(kUsage, "'vall' is not one of", data.images_of("vall"));
}

TEST_F(DataDescriptionFile, WrittenTextReadsBack) {
  const auto data = load("train: images\nval: [images, set/images]\nnames: ['a, b', 'yes']\n");
  const auto again = load(data_description_to_yaml(data));
  EXPECT_EQ(again.train, data.train);
  EXPECT_EQ(again.val, data.val);
  EXPECT_EQ(again.names, data.names);
  EXPECT_EQ(again.num_classes, 2);
}

}  // namespace
}  // namespace gannet
