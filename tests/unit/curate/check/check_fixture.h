// A made-up data set with a split for each of train, val and test, for tests of its check.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "gannet/curate/check/dataset_check.h"
#include "tests/unit/data/data_fixture.h"

namespace gannet::testing {

class CheckFolder : public DataFolder {
 protected:
  void SetUp() override {
    DataFolder::SetUp();
    for (const char* split : {"train", "val", "test"}) {
      std::filesystem::create_directories(root_ / "images" / split);
      std::filesystem::create_directories(root_ / "labels" / split);
    }
  }

  /// A picture of 100 x 50 px with its label file. @param name "train/a", without a suffix
  void add(const std::string& name, const std::string& rows,
           const std::string& suffix = ".png") const {
    write_image("images/" + name + suffix, 100, 50);
    write_text("labels/" + name + ".txt", rows);
  }
  /// Classes 'dog' and 'cat' with an example in train, one image in val: nothing to complain about.
  void add_clean() const {
    add("train/clean", "0 0.5 0.5 0.5 0.5\n1 0.25 0.25 0.25 0.25\n");
    add("val/clean", "0 0.5 0.5 0.25 0.5\n");
  }
  DataDescription description(bool with_test = false) const {
    DataDescription data;
    data.file = path("pets.yaml");
    data.train = {path("images/train")};
    data.val = {path("images/val")};
    if (with_test) data.test = {path("images/test")};
    data.num_classes = 2;
    data.names = {"dog", "cat"};
    return data;
  }
  DatasetCheck check(bool with_test = false) const {
    return check_dataset(description(with_test), {});
  }

  static std::vector<Finding> of_kind(const DatasetCheck& check, FindingKind kind) {
    std::vector<Finding> found;
    for (const Finding& finding : check.findings) {
      if (finding.kind == kind && !finding.repeated) found.push_back(finding);
    }
    return found;
  }
  /// The only finding of a set, with its place; a failure of the test otherwise.
  Finding only_finding(const DatasetCheck& check, FindingKind kind) const {
    EXPECT_EQ(check.findings.size(), 1) << describe_check(check, 99);
    const std::vector<Finding> found = of_kind(check, kind);
    EXPECT_EQ(found.size(), 1) << describe_check(check, 99);
    return found.empty() ? Finding{kind, -1, -1, -1, "", 0, ""} : found.front();
  }
};

}  // namespace gannet::testing
