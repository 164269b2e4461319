#include "gannet/data/index/image_index.h"

#include <gmock/gmock.h>

#include <chrono>
#include <cstdlib>
#include <future>
#include <thread>

#include "gannet/core/error.h"
#include "gannet/data/images/image_list.h"
#include "gannet/data/index/label_cache.h"
#include "gannet/data/labels/label_path.h"
#include "tests/unit/data/data_fixture.h"
#include "tests/unit/thrown_error.h"

namespace gannet::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using ImageIndexTest = DataFolder;

TEST(LabelPath, ChangesOnlyTheLastFolderAndTheSuffix) {
  EXPECT_EQ(label_path("/my_images/images/a.jpg"), "/my_images/labels/a.txt");
  EXPECT_EQ(label_path("/images/x/images/y/a.b.png"), "/images/x/labels/y/a.b.txt");
  EXPECT_EQ(label_path("images/x.jpg.d/y.jpg"), "labels/x.jpg.d/y.txt");
  EXPECT_EQ(label_path("images.jpg"), "images.txt");
  EXPECT_EQ(label_path("/pictures/a.jpg"), "/pictures/a.txt");
}

TEST_F(ImageIndexTest, ListsFoldersAndListFiles) {
  for (const char* name : {"images/b.JPG", "images/a.png", "images/.hidden.jpg", "images/c.gif"}) {
    write_text(name, "");
  }
  std::filesystem::create_directories(root_ / "images/deeper.x");
  write_text("images/deeper.x/d.jpg", "");
  EXPECT_THAT(list_images({path("images")}).paths,
              ElementsAre(path("images/a.png"), path("images/b.JPG")));
  write_text("list.txt", "./images/b.JPG\r\n\nx/./y.webp\nnotes\n");
  EXPECT_THAT(
      list_images({path("list.txt"), path("images")}).paths,
      ElementsAre(path("images/a.png"), path("images/b.JPG"), path("images/b.JPG"), "x/./y.webp"));
  EXPECT_ERROR(kData, "neither a folder nor a list", list_images({path("absent")}));
  EXPECT_ERROR(kData, "no images that can be read", list_images({path("labels")}));
}

TEST_F(ImageIndexTest, NothingThatLooksLikeAPictureVanishes) {
  write_set(1);
  for (const char* name : {"images/b.jfif", "images/c.MPO", "images/d.pjpeg"}) {
    write_image("x.jpg", 40, 30);
    std::filesystem::rename(path("x.jpg"), path(name));
  }
  for (const char* name : {"images/e.gif", "images/f.HEIC", "images/g.avif", "images/h.jp2"})
    write_text(name, "other format");
  write_text("images/notes.md", "no picture");
  std::filesystem::create_directories(root_ / "images/more");
  const auto found = index();
  EXPECT_EQ(found->images.size(), 4);
  EXPECT_THAT(found->report.foreign, ElementsAre(path("images/e.gif"), path("images/f.HEIC"),
                                                 path("images/g.avif"), path("images/h.jp2")));
  EXPECT_EQ(found->report.subfolders, 1);
}

TEST_F(ImageIndexTest, FoldersOfFoldersAreListedWhenAsked) {
  std::filesystem::create_directories(root_ / "images/a/b");
  write_text("images/a/b/1.jpg", "");
  write_text("images/2.jpg", "");
  std::filesystem::create_directory_symlink(root_ / "images", root_ / "images/a/round");
  const ImageList list = list_images({path("images")}, {.recursive = true});
  EXPECT_THAT(list.paths, ElementsAre(path("images/2.jpg"), path("images/a/b/1.jpg")));
  EXPECT_EQ(list_images({path("images")}).num_subfolders, 1);
}

TEST_F(ImageIndexTest, EntriesOfListsAreFoundWhereTheyAre) {
  write_set(2);
  std::filesystem::create_directories(root_ / "lists");
  write_text("lists/a.txt", "\xEF\xBB\xBFimages\\10.jpg\r\nimages/11.jpg\nimages/none.jpg\n");
  EXPECT_THAT(list_images({path("lists/a.txt")}, {.roots = {root_.string()}}).paths,
              ElementsAre(path("images/10.jpg"), path("images/11.jpg"), "images/none.jpg"));
  write_text("b.txt", "images/10.jpg\n.\\images\\11.jpg\n");
  EXPECT_THAT(list_images({path("b.txt")}).paths,
              ElementsAre(path("images/10.jpg"), path("images/11.jpg")));
}

TEST_F(ImageIndexTest, LabelsBesideTheImagesAreFound) {
  write_set(2);
  write_image("images/20.png", 40, 30);
  write_text("images/20.txt", "1 .5 .5 .1 .1\n2 .5 .5 .1 .1\n");
  write_text("images/10.txt", "2 .5 .5 .1 .1\n2 .5 .5 .2 .2\n");  // the parallel folder decides
  const auto found = index();
  EXPECT_EQ(found->report.found, 3);
  EXPECT_EQ(found->num_labels(), 4);
  EXPECT_EQ(found->images[0].labels[0].class_id, 0);
  write_text("images/20.txt", "7 .5 .5 .1 .1\n");
  try {
    index();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.where().path, path("images/20.txt"));
  }
}

TEST_F(ImageIndexTest, AByteOrderMarkHidesNoRow) {
  write_set(1);
  write_text("labels/10.txt",
             "\xEF\xBB\xBF"
             "0 .5 .5 .1 .1\n1 .5 .5 .1 .1\n");
  EXPECT_EQ(index()->num_labels(), 2);
}

TEST_F(ImageIndexTest, BinaryLabelFilesLeaveNoBytesInMessages) {
  write_set(1);
  write_text("labels/10.txt", "\x1b[2J\x07\xff 1 1 1 1\n");
  const auto found = index();
  ASSERT_EQ(found->report.problems.size(), 1);
  EXPECT_THAT(found->report.problems[0], HasSubstr("\\x1b[2J\\x07\\xff"));
}

TEST_F(ImageIndexTest, CountsWhatItFinds) {
  write_set(3);                          // with labels
  write_image("images/20.png", 40, 30);  // no label file
  write_image("images/21.png", 40, 30);
  write_text("labels/21.txt", "\n");  // empty
  write_text("labels/10.txt", "0 .5 .5 .1 .1\n0 .5 .5 .1 .1\n");
  const auto found = index();
  EXPECT_EQ(found->images.size(), 5);
  EXPECT_EQ(found->num_labels(), 4);
  EXPECT_EQ(found->report.found, 3);
  EXPECT_EQ(found->report.missing, 1);
  EXPECT_EQ(found->report.empty, 1);
  EXPECT_EQ(found->report.duplicate_rows, 1);
  EXPECT_EQ(found->report.corrupt, 0);
  EXPECT_TRUE(found->report.problems.empty());
  EXPECT_EQ(found->images[0].width, 40);
  EXPECT_EQ(found->images[0].height, 30);
}

TEST_F(ImageIndexTest, LeavesOutWhatCannotBeUsed) {
  write_set(2);
  write_image("images/20.png", 9, 30);
  write_text("images/21.jpg", "no picture");
  write_text("labels/10.txt", "0 .5 .5 .1 .1\n0 .5 .5\n");
  const auto found = index();
  EXPECT_EQ(found->images.size(), 2);
  EXPECT_EQ(found->num_labels(), 2);
  EXPECT_EQ(found->report.corrupt, 2);
  ASSERT_EQ(found->report.problems.size(), 3);
  EXPECT_THAT(found->report.problems[0], HasSubstr(path("labels/10.txt") + ":2: 3 columns"));
  EXPECT_THAT(found->report.problems[1], HasSubstr("20.png: image of 9 x 30"));
  EXPECT_THAT(found->report.problems[2], HasSubstr("21.jpg"));
}

TEST_F(ImageIndexTest, ClassesMustBeBelowTheirNumber) {
  write_set(2);
  write_text("labels/11.txt", "0 .5 .5 .1 .1\n3 .5 .5 .1 .1\n");
  try {
    index(3);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_EQ(error.where().path, path("labels/11.txt"));
    EXPECT_EQ(error.where().line, 2);
    EXPECT_THAT(error.what(), HasSubstr("class 3 is not below nc = 3"));
  }
  IndexOptions single;
  single.num_classes = 1;
  single.single_class = true;
  single.use_cache = false;
  EXPECT_EQ(build_image_index({path("images")}, single).images[1].labels[1].class_id, 0);
}

TEST_F(ImageIndexTest, NoUsableImageIsAnError) {
  write_text("images/a.jpg", "no picture");
  EXPECT_ERROR(kData, "none of 1 images can be used", index());
}

/// Points the user's cache folder into the test's folder.
class LabelCacheTest : public DataFolder {
 protected:
  void SetUp() override {
    DataFolder::SetUp();
    ::setenv("XDG_CACHE_HOME", path("cache").c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("XDG_CACHE_HOME");
    DataFolder::TearDown();
  }
  ImageIndex cached_index() const { return build_image_index({path("images")}, {}); }
};

TEST_F(LabelCacheTest, SecondScanGivesTheSame) {
  write_set(4);
  write_text("labels/11.txt", "0 .5 .5\n");
  write_text("images/20.jpg", "no picture");
  const ImageIndex first = cached_index();
  EXPECT_EQ(LabelCache({{path("images")}, {}, {}}).load().paths.size(), 5);
  const ImageIndex second = cached_index();
  ASSERT_EQ(second.images.size(), first.images.size());
  for (std::size_t i = 0; i < first.images.size(); ++i) {
    EXPECT_EQ(second.images[i].path, first.images[i].path);
    EXPECT_EQ(second.images[i].labels, first.images[i].labels);
    EXPECT_EQ(second.images[i].width, first.images[i].width);
  }
  EXPECT_EQ(second.report.problems, first.report.problems);
  EXPECT_EQ(second.report.corrupt, 1);
}

TEST_F(LabelCacheTest, ChangedFilesAreReadAgain) {
  write_set(2);
  cached_index();
  write_text("labels/10.txt", "0 .5 .5 .2 .2\n1 .5 .5 .1 .1\n");
  write_image("images/11.jpg", 20, 50);
  const ImageIndex second = cached_index();
  EXPECT_EQ(second.images[0].labels.size(), 2);
  EXPECT_EQ(second.images[1].height, 50);
}

TEST_F(LabelCacheTest, DamagedCacheIsIgnored) {
  write_set(3);
  const std::string file = LabelCache({{path("images")}, {}, {}}).path();
  cached_index();
  const auto size = std::filesystem::file_size(file);
  for (const std::uintmax_t left : {std::uintmax_t{0}, std::uintmax_t{20}, size - 1}) {
    std::filesystem::resize_file(file, left);
    EXPECT_TRUE(LabelCache({{path("images")}, {}, {}}).load().paths.empty());
    EXPECT_EQ(cached_index().num_labels(), 3);
  }
}

/// Sets the time of every file of the set back, so that a scan believes their stamps.
void make_old(const std::filesystem::path& root) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.is_regular_file()) {
      std::filesystem::last_write_time(entry.path(),
                                       entry.last_write_time() - std::chrono::hours(1));
    }
  }
}

TEST_F(LabelCacheTest, UnchangedFilesAreNotReadAgain) {
  write_set(3);
  make_old(root_ / "images");
  make_old(root_ / "labels");
  std::this_thread::sleep_for(std::chrono::milliseconds(30));  // make_old changed the files, too
  cached_index();
  const LabelCache cache({{path("images")}, {}, {}});
  LabelScan scan = cache.load();
  scan.images[1].parsed.labels[0].class_id = 2;  // what no file says
  cache.save(scan);
  EXPECT_EQ(cached_index().images[1].labels[0].class_id, 2);
  write_text("labels/11.txt", "1 0.5 0.5 0.5 0.4\n");  // as long as before
  EXPECT_EQ(cached_index().images[1].labels[0].class_id, 1);
  EXPECT_EQ(cached_index().images[0].labels[0].class_id, 0);
}

TEST_F(LabelCacheTest, ChangedLabelsOfTheSameSizeAndTimeAreRead) {
  write_set(2);
  make_old(root_ / "images");
  make_old(root_ / "labels");
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_EQ(cached_index().images[0].labels[0].class_id, 0);
  const auto time = std::filesystem::last_write_time(path("labels/10.txt"));
  write_text("labels/10.txt", "1 0.5 0.5 0.5 0.4\n");  // as archives and rsync -t do
  std::filesystem::last_write_time(path("labels/10.txt"), time);
  EXPECT_EQ(cached_index().images[0].labels[0].class_id, 1);
}

TEST_F(LabelCacheTest, FilesAsYoungAsTheScanAreReadAgain) {
  write_set(1);
  cached_index();
  const LabelCache cache({{path("images")}, {}, {}});
  LabelScan scan = cache.load();
  scan.images[0].parsed.labels[0].class_id = 2;
  scan.start_ns = scan.images[0].label_stamp.mtime_ns;
  cache.save(scan);
  EXPECT_EQ(cached_index().images[0].labels[0].class_id, 0);
}

TEST_F(LabelCacheTest, KeepsAllThatAScanKnows) {
  LabelScan scan;
  scan.source = "COCO json a.json";
  scan.summary = {{3, 18}, {"car", "dog"}, {"a problem"}, 4};
  scan.paths = {"a.jpg"};
  ScannedImage& image = scan.images.emplace_back();
  image.width = 40;
  image.height = 30;
  ParsedLabels& parsed = image.parsed;
  add_object(parsed, {0, 0.5F, 0.5F, 0.5F, 0.5F});
  add_object(parsed, {1, 0.25F, 0.5F, 0.5F, 1}, {{0, 0}, {0.5F, 0}, {0, 1}}, true);
  parsed.crowd = {{1, 0.5F, 0.5F, 1, 1}};
  parsed.image_id = 77;
  parsed.listed = false;
  parsed.unknown_class = "cow";
  parsed.unknown_class_path = "a.json";
  const LabelCache cache({{"a"}, {}, {}});
  cache.save(scan);
  const LabelScan again = cache.load();
  EXPECT_EQ(again.source, scan.source);
  EXPECT_EQ(again.summary.category_ids, scan.summary.category_ids);
  EXPECT_EQ(again.summary.names, scan.summary.names);
  EXPECT_EQ(again.summary.problems, scan.summary.problems);
  EXPECT_EQ(again.summary.num_absent, 4);
  EXPECT_EQ(again.paths, scan.paths);
  ASSERT_EQ(again.images.size(), 1);
  const ParsedLabels& read = again.images[0].parsed;
  EXPECT_EQ(again.images[0].height, 30);
  EXPECT_EQ(read.labels, parsed.labels);
  EXPECT_EQ(read.polygons, parsed.polygons);
  EXPECT_THAT(read.difficult, ElementsAre(0, 1));
  EXPECT_EQ(read.crowd, parsed.crowd);
  EXPECT_EQ(read.image_id, 77);
  EXPECT_FALSE(read.listed);
  EXPECT_EQ(read.unknown_class, "cow");
  EXPECT_EQ(read.unknown_class_path, "a.json");
}

TEST_F(LabelCacheTest, ProgressIsTold) {
  write_set(3);
  IndexOptions options;
  std::vector<std::int64_t> told;
  options.progress = [&](std::int64_t done, std::int64_t total) {
    told.push_back(done);
    EXPECT_EQ(total, 3);
  };
  build_image_index({path("images")}, options);
  EXPECT_THAT(told, ElementsAre(3));
}

TEST_F(LabelCacheTest, SeveralScansAtOnceAgree) {
  write_set(20);
  std::vector<std::future<ImageIndex>> scans;
  for (int i = 0; i < 4; ++i) {
    scans.push_back(std::async(std::launch::async, [&] { return cached_index(); }));
  }
  for (auto& scan : scans) EXPECT_EQ(scan.get().num_labels(), 20);
  EXPECT_EQ(cached_index().num_labels(), 20);
}

TEST_F(LabelCacheTest, FolderThatCannotBeWrittenDoesNoHarm) {
  write_set(1);
  write_text("cache", "a file where the folder should be");
  EXPECT_EQ(cached_index().num_labels(), 1);
}

}  // namespace
}  // namespace gannet::testing
