#include "gannet/core/class_match.h"

#include <gmock/gmock.h>

namespace gannet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ClassMatch, OrderDoesNotMatter) {
  const ClassMatch match = match_classes({"WBC", "Platelets", "RBC"}, {"RBC", "WBC", "Platelets"});
  EXPECT_THAT(match.to, ElementsAre(1, 2, 0));
  EXPECT_THAT(match.unknown, IsEmpty());
  EXPECT_THAT(match.unused, IsEmpty());
  EXPECT_FALSE(match.is_identity());
  EXPECT_TRUE(match_classes({"a", "b"}, {"a", "b"}).is_identity());
}

TEST(ClassMatch, SaysWhatEitherSideLacks) {
  const ClassMatch match = match_classes({"dog", "horse"}, {"cat", "dog"});
  EXPECT_THAT(match.to, ElementsAre(1, -1));
  EXPECT_THAT(match.unknown, ElementsAre("horse"));
  EXPECT_THAT(match.unused, ElementsAre("cat"));
  EXPECT_FALSE(match_classes({"a"}, {"a", "b"}).is_identity());
}

TEST(ClassMatch, CapitalsAndBlanksDoNotCountWhereNothingElseFits) {
  EXPECT_THAT(match_classes({"rbc ", "WBC"}, {"WBC", "RBC"}).to, ElementsAre(1, 0));
  EXPECT_THAT(match_classes({"Car", "car"}, {"car", "Car"}).to, ElementsAre(1, 0));
  EXPECT_THAT(match_classes({"CAR"}, {"car", "Car"}).to, ElementsAre(-1));  // which one?
}

TEST(ClassMatch, RepeatedNamesAreAmbiguousUnlessTheListsAreEqual) {
  const ClassMatch match = match_classes({"a", "b"}, {"b", "a", "a"});
  EXPECT_THAT(match.to, ElementsAre(-1, 0));
  EXPECT_THAT(match.ambiguous, ElementsAre("a"));
  EXPECT_THAT(match_classes({"a", "a"}, {"a", "a"}).to, ElementsAre(0, 1));
}

TEST(ClassMatch, CountedClassesHaveNoNames) {
  EXPECT_FALSE(are_class_names({}));
  EXPECT_FALSE(are_class_names({"0", "1"}));
  EXPECT_FALSE(are_class_names({"class0", "class1"}));
  EXPECT_TRUE(are_class_names({"1", "0"}));
  EXPECT_TRUE(are_class_names({"cat"}));
}

}  // namespace
}  // namespace gannet
