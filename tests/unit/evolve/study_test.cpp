#include "gannet/evolve/study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <opencv2/imgcodecs.hpp>

#include "gannet/core/atomic_file.h"
#include "gannet/evolve/study_files.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Studies : public testing::TemporaryFolder {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    make_folder("set/images");
    make_folder("set/labels");
    for (const char* name : {"a", "b"}) {
      cv::imwrite(path(std::string("set/images/") + name + ".png"),
                  cv::Mat(32, 32, CV_8UC3, cv::Scalar(9, 9, 9)));
      write(std::string("set/labels/") + name + ".txt", "0 0.5 0.5 0.5 0.5\n");
    }
    write("set/set.yaml", "train: images\nval: images\nnc: 1\nnames: [thing]\n");
  }
  Settings settings(const std::map<std::string, std::string>& more = {}) const {
    Settings made;
    apply_recipe(made, "july2020");
    assign_setting(made, "train.data", path("set/set.yaml"));
    for (const auto& [key, value] : more) assign_setting(made, key, value);
    return made;
  }
  EvolveOptions options() const { return {.study = path("study")}; }
  CandidateResult result(int number, double fitness) const {
    CandidateResult made =
        result_of({{.evaluated = true, .precision = 0.25, .map = fitness, .fitness = fitness}},
                  CandidateEnd::kDone);
    made.number = number;
    made.genes = genes_of(Hyperparameters());
    made.genes[0] = 0.01 * (number + 1);
    return made;
  }
  void finish(Study& study, const CandidateResult& made) const {
    fs::create_directories(study.candidate_folder(made.number) / "weights");
    study.finish(made);
  }
};

TEST_F(Studies, AreJoinedWithoutASetting) {
  { Study made(settings({{"train.epochs", "7"}, {"hyp.lr0", "0.02"}}), options()); }
  Settings plain;
  apply_recipe(plain, "v7");  // of another model: nothing of it is said
  const Study joined(plain, options());
  EXPECT_EQ(joined.settings().train.epochs, 7);
  EXPECT_EQ(joined.settings().hyp.lr0, 0.02);
  EXPECT_EQ(joined.search().population, 5);
}

TEST_F(Studies, OfOtherSettingsAreRefused) {
  { Study made(settings({{"train.epochs", "7"}}), options()); }
  EXPECT_ERROR(kUsage, "epochs is 7 there, 8 here",
               Study(settings({{"train.epochs", "8"}}), options()));
  EXPECT_ERROR(kUsage, "lr0 is 0.01 there, 0.5 here",
               Study(settings({{"hyp.lr0", "0.5"}}), options()));
  EvolveOptions more = options();
  more.population = 3;
  EXPECT_ERROR(kUsage, "population is 5 there, 3 here", Study(settings(), more));
  more = options();
  more.parents = "weighted";
  EXPECT_ERROR(kUsage, "parents is \"single\" there", Study(settings(), more));
}

TEST_F(Studies, KnowHowManyCandidatesWereLastAskedFor) {
  EvolveOptions more = options();
  EXPECT_EQ(Study(settings(), more).generations(), 300);
  more.generations = 7;
  EXPECT_EQ(Study(settings(), more).generations(), 7);
  EXPECT_EQ(Study(settings(), options()).generations(), 7);
}

TEST_F(Studies, OfOtherDataAreRefused) {
  { Study made(settings(), options()); }
  write("set/labels/a.txt", "0 0.5 0.5 0.5 0.25\n");
  EXPECT_ERROR(kUsage, "train: 2 images, 2 labels", Study(settings(), options()));
  write("set/labels/a.txt", "0 0.5 0.5 0.5 0.5\n");
  write("set/set.yaml", "train: images\nval: images\nnc: 1\nnames: [other]\n");
  EXPECT_ERROR(kUsage, "names: the classes [\"thing\"] there", Study(settings(), options()));
}

TEST_F(Studies, LetEachProcessComputeInItsOwnWay) {
  { Study made(settings({{"train.workers", "1"}}), options()); }
  fs::rename(folder_ / "set", folder_ / "moved \"set\"");
  const Study joined(settings({{"train.workers", "0"},
                               {"train.device", "cpu"},
                               {"train.data", "'" + path("moved \"set\"/set.yaml") + "'"}}),
                     options());
  EXPECT_EQ(joined.settings().train.workers, 0);
  EXPECT_EQ(joined.settings().train.device, "cpu");
}

TEST_F(Studies, NeedAFolderOfTheirOwn) {
  make_folder("study");
  write("study/precious.txt", "mine");
  EXPECT_ERROR(kUsage, "it holds 'precious.txt'", Study(settings(), options()));
  EXPECT_ERROR(kUsage, "--generations", Study(settings(), {.study = path("x"), .generations = -1}));
  EXPECT_ERROR(kUsage, "'best' is not one of",
               Study(settings(), {.study = path("x"), .parents = "best"}));
  EXPECT_FALSE(fs::exists(path("x")));
}

TEST_F(Studies, DecideACandidatesValuesOnce) {
  Study one(settings(), options()), other(settings(), options());
  fs::create_directories(one.candidate_folder(1));
  const GeneValues values = one.genes_of_candidate(1);
  finish(other, result(0, 0.5));  // which would make other parents
  EXPECT_EQ(other.genes_of_candidate(1), values);
  const Settings candidate = one.settings_of_candidate(1, values);
  EXPECT_EQ(genes_of(candidate.hyp), values);
  EXPECT_EQ(fs::path(candidate.train.project) / candidate.train.name, one.candidate_folder(1));
}

TEST_F(Studies, ShowWhatAllProcessesHaveFinished) {
  Study one(settings(), options()), other(settings(), options());
  finish(one, result(1, 0.25));
  finish(other, result(0, 0.125));
  finish(other, result(2, 0.1));
  finish(one, result(2, 0.9));  // came second: the first one stands
  write_study_files(one);
  const std::string table = read_file(folder_ / "study/evolve.csv");
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 4);
  EXPECT_THAT(table, ::testing::StartsWith("   metrics/precision,      metrics/recall,"));
  EXPECT_THAT(table, HasSubstr("        val/cls_loss,                 lr0,"));
  const std::string hyp = read_file(folder_ / "study/hyp_evolved.yaml");
  EXPECT_THAT(
      hyp, HasSubstr("# Candidate 1, epoch 0 of 300: fitness 0.25; the start values gave 0.125"));
  Settings evolved = settings();
  overlay_hyperparameters(evolved, path("study/hyp_evolved.yaml"));
  EXPECT_EQ(evolved.hyp.lr0, 0.02);
  EXPECT_FALSE(cv::imread(path("study/evolve.png")).empty());
  EXPECT_TRUE(fs::exists(one.candidate_folder(1) / "weights"));
  EXPECT_FALSE(fs::exists(one.candidate_folder(0) / "weights"));
  EXPECT_FALSE(fs::exists(one.candidate_folder(2) / "weights"));
}

}  // namespace
}  // namespace gannet
