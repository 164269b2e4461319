#include "gannet/core/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gannet {
namespace {

using ::testing::ElementsAre;

TEST(NearestName, IsTheOneWithTheFewestEdits) {
  const std::vector<std::string> names = {"epochs", "batch_size", "lr0", "lrf"};
  EXPECT_EQ(nearest_name("epoch", names), "epochs");
  EXPECT_EQ(nearest_name("batchsize", names), "batch_size");
  EXPECT_EQ(nearest_name("lrx", {"fl", "lrf"}), "lrf");
  EXPECT_EQ(nearest_name("lr1", names), "lr0");  // the first of equals
  EXPECT_EQ(nearest_name("x", {}), "");
}

TEST(Trim, TakesBlanksOffBothEnds) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(trim(""), "");
}

TEST(ToLower, LeavesOtherCharacters) { EXPECT_EQ(to_lower("Adam-W 1"), "adam-w 1"); }

std::u32string characters_of(std::string_view text) {
  std::u32string characters;
  while (!text.empty()) characters += take_character(text);
  return characters;
}

TEST(TakeCharacter, ReadsUtf8OfEveryLength) {
  EXPECT_EQ(characters_of("aß猫\xF0\x9F\x90\x88"), U"aß猫\U0001F408");
  EXPECT_EQ(characters_of(std::string_view("\0b", 2)), std::u32string_view(U"\0b", 2));
}

TEST(TakeCharacter, ReplacesWhatIsNoCharacter) {
  EXPECT_EQ(characters_of("a\xFFz"), U"a\uFFFDz");
  EXPECT_EQ(characters_of("\xE7\x8C"), U"\uFFFD\uFFFD");            // cut off
  EXPECT_EQ(characters_of("\xC0\x80"), U"\uFFFD\uFFFD");            // too long for its value
  EXPECT_EQ(characters_of("\xE0\x80\x80"), U"\uFFFD\uFFFD\uFFFD");  // the same
  EXPECT_EQ(characters_of("\xED\xA0\x80"), U"\uFFFD\uFFFD\uFFFD");  // a surrogate
  EXPECT_EQ(characters_of("\xF4\x90\x80\x80").front(), U'\uFFFD');  // above U+10FFFF
}

TEST(Printable, LeavesWordsAndEscapesWhatSteersATerminal) {
  EXPECT_EQ(printable("größe 图 1.jpg"), "größe 图 1.jpg");
  EXPECT_EQ(printable("a\x1b[2J\xff\x07"), "a\\x1b[2J\\xff\\x07");
  EXPECT_EQ(printable("\xc2\x9b"
                      "2J"),
            "\\xc2\\x9b2J");  // a control character of eight bits
  EXPECT_EQ(printable("\xe2\x80\xae"
                      "gpj"),
            "\\xe2\\x80\\xaegpj");  // text from right to left
  EXPECT_EQ(printable(std::string(300, 'x'), 20), "xxxxxxxxxxxxxxxxxxxx...");
  EXPECT_EQ(printable("图图图", 4), "图图...");
}

TEST(ByteOrderMark, IsTakenOff) {
  EXPECT_EQ(without_byte_order_mark("\xef\xbb\xbf"
                                    "a"),
            "a");
  EXPECT_EQ(without_byte_order_mark("\xef\xbb"), "\xef\xbb");
}

TEST(Split, KeepsEmptyParts) {
  EXPECT_THAT(split("a,,b", ','), ElementsAre("a", "", "b"));
  EXPECT_THAT(split("a,", ','), ElementsAre("a", ""));
  EXPECT_THAT(split("", ','), ElementsAre(""));
}

}  // namespace
}  // namespace gannet
