// docs/settings.md is written from the field lists; here it is compared with them, or written anew.
#include "gannet/config/settings_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "gannet/config/settings.h"
#include "gannet/core/atomic_file.h"
#include "gannet/detect/detect_files.h"
#include "gannet/eval/evaluate.h"
#include "gannet/evolve/evolve.h"

namespace gannet {
namespace {

using ::testing::HasSubstr;

constexpr const char* kPage = GANNET_SOURCE_DIR "/docs/settings.md";

struct Sample {
  int count = 3;
  int batch = 8;
  double share = 0.25;
  double overlap = kAuto;
  bool on = true;
  std::string word = {};
  std::vector<int> sizes = {640, 320};
};

std::vector<DescribedField> described(const Sample& s) {
  std::vector<DescribedField> fields;
  const FieldDescriber visit{fields};
  visit("count", s.count, "how many", Range{1, 1e6});
  visit("batch", s.batch, "-1: what fits", Range{kAuto, 64});
  visit("share", s.share, "of all", Range{0, 1});
  visit("overlap", s.overlap, "one|other", Range{kAuto, 0.5});
  visit("on", s.on, "or off", Range{0, 9e15});
  visit("a_word", s.word, "or none", Range{});
  visit("sizes", s.sizes, "both", Range{32, 16384});
  return fields;
}

TEST(SettingsTable, HasARowForEachField) {
  EXPECT_EQ(settings_table({{"default", described({})}}, FieldNames::kFlags),
            "| flag | default | range | meaning |\n"
            "| --- | --- | --- | --- |\n"
            "| `--count` | `3` | 1 to 1e6 | how many |\n"
            "| `--batch` | `8` | -1 to 64 | -1: what fits |\n"
            "| `--share` | `0.25` | 0 to 1 | of all |\n"
            "| `--overlap` | `auto` | auto, 0 to 0.5 | one\\|other |\n"
            "| `--on` | `true` | 0 to 9e15 | or off |\n"
            "| `--a-word` |  |  | or none |\n"
            "| `--sizes` | `[640, 320]` | 32 to 16384 | both |\n");
}

TEST(SettingsTable, HasAColumnForEachSetOfValues) {
  const std::string table =
      settings_table({{"one", described({})}, {"two", described({.count = 4})}}, FieldNames::kKeys);
  EXPECT_THAT(table, HasSubstr("| key | one | two | range | meaning |\n"));
  EXPECT_THAT(table, HasSubstr("| `count` | `3` | `4` | 1 to 1e6 | how many |\n"));
  EXPECT_THAT(table, HasSubstr("| `a_word` |  |  |"));
  EXPECT_EQ(settings_table({}, FieldNames::kKeys), "");
}

std::vector<DescribedField> train_fields(const std::string& recipe) {
  Settings settings;
  apply_recipe(settings, recipe);
  settings.train.recipe.clear();  // the column names it
  std::vector<DescribedField> fields;
  fields_of_train(FieldDescriber{fields}, settings.train);
  return fields;
}

std::vector<DescribedField> hyp_fields(const std::string& recipe) {
  Settings settings;
  apply_recipe(settings, recipe);
  std::vector<DescribedField> fields;
  fields_of_hyperparameters(FieldDescriber{fields}, settings.hyp);
  return fields;
}

/// The page with the text between "<!-- table: NAME -->" and the next "<!-- end -->" replaced.
std::string with_table(const std::string& page, const std::string& name, const std::string& table) {
  const std::string opening = "<!-- table: " + name + " -->\n";
  const auto begin = page.find(opening);
  const auto end = page.find("<!-- end -->", begin);
  if (begin == std::string::npos || end == std::string::npos) {
    ADD_FAILURE() << kPage << " has no place for the table '" << name << "'";
    return page;
  }
  return page.substr(0, begin) + opening + table + page.substr(end);
}

std::string with_all_tables(std::string page) {
  const ValSettings of_val;
  const DetectSettings of_detect;
  const EvolveOptions of_evolve;
  std::vector<DescribedField> val, detect, evolve;
  fields_of_val(FieldDescriber{val}, of_val);
  fields_of_detect(FieldDescriber{detect}, of_detect);
  fields_of_evolve(FieldDescriber{evolve}, of_evolve);
  const auto both = [](auto fields) {
    return std::vector<DefaultsColumn>{{"july2020", fields("july2020")}, {"v7", fields("v7")}};
  };
  page = with_table(page, "train", settings_table(both(train_fields), FieldNames::kFlags));
  page = with_table(page, "hyp", settings_table(both(hyp_fields), FieldNames::kKeys));
  page = with_table(page, "val", settings_table({{"default", val}}, FieldNames::kFlags));
  page = with_table(page, "detect", settings_table({{"default", detect}}, FieldNames::kFlags));
  return with_table(page, "evolve", settings_table({{"default", evolve}}, FieldNames::kFlags));
}

TEST(SettingsPage, SaysWhatTheFieldListsSay) {
  const std::string page = read_file(kPage), wanted = with_all_tables(page);
  if (std::getenv("GANNET_WRITE_DOCS") != nullptr)
    write_file_atomically(kPage, wanted);
  else
    EXPECT_TRUE(page == wanted)
        << kPage << " differs from the field lists; GANNET_WRITE_DOCS=1 build/dev/tests/base_tests "
        << "--gtest_filter='SettingsPage.*' writes it anew";
}

}  // namespace
}  // namespace gannet
