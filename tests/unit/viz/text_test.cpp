#include "gannet/viz/text.h"

#include <gtest/gtest.h>

#include <array>
#include <opencv2/imgproc.hpp>
#include <thread>

#include "gannet/core/error.h"
#include "gannet/viz/font.h"
#include "gannet/viz/font_file.h"
#include "gannet/viz/shipped_font.h"

namespace gannet {
namespace {

const std::array<std::string, 9> kTexts = {"großer Hund", "Ελλάδα", "велосипед",
                                           "猫 0.87",     "Ågjpq|", "a",
                                           "To AV",       "1.00",   "e\u0301 \u200B!"};

cv::Mat blank(int width = 300, int height = 300) {
  return {height, width, CV_8UC3, cv::Scalar(255, 255, 255)};
}

cv::Rect changed(const cv::Mat& picture) {
  cv::Mat white;
  cv::inRange(picture, cv::Scalar(255, 255, 255), cv::Scalar(255, 255, 255), white);
  return cv::boundingRect(~white);
}

/// Black text and all styles that place it differently.
std::vector<TextStyle> styles() {
  std::vector<TextStyle> result;
  for (const double height : {6.0, 12.0, 21.3}) {
    for (const TextAnchor anchor : {TextAnchor::kLeft, TextAnchor::kCentre, TextAnchor::kRight}) {
      for (const bool bold : {false, true}) {
        for (const bool upwards : {false, true}) {
          result.push_back({height, {0, 0, 0}, bold, anchor, upwards});
        }
      }
    }
  }
  return result;
}

bool equal(const cv::Mat& a, const cv::Mat& b) { return cv::norm(a, b, cv::NORM_INF) == 0; }

TEST(DrawText, ChangesExactlyThePixelsWithinItsBounds) {
  for (const std::string& text : kTexts) {
    for (const TextStyle& style : styles()) {
      cv::Mat picture = blank(700, 700);
      draw_text(picture, text, {350, 350}, style);
      const cv::Rect bounds = text_bounds(text, {350, 350}, style), ink = changed(picture);
      EXPECT_EQ(bounds & ink, ink) << text;  // coverage of a rim pixel may round to nothing
      EXPECT_LE(std::abs(bounds.width - ink.width), 2) << text;
      EXPECT_LE(std::abs(bounds.height - ink.height), 2) << text;
    }
  }
}

TEST(DrawText, CapitalsHaveTheHeightAskedForAndStandOnTheBaseLine) {
  for (const double height : {8.0, 12.0, 30.0}) {
    const cv::Rect bounds = text_bounds("H", {100, 200}, {height});
    EXPECT_NEAR(bounds.height, height, 1);
    EXPECT_EQ(bounds.br().y, 200);
  }
}

TEST(DrawText, AnchorSaysWhichPartStandsThere) {
  const std::string text = "Mitte";
  const auto bounds = [&](TextAnchor anchor, bool upwards = false) {
    return text_bounds(text, {200, 200}, {12, {}, false, anchor, upwards});
  };
  const int width = text_width(text, {12});
  EXPECT_NEAR(bounds(TextAnchor::kLeft).x, 200, 2);
  EXPECT_NEAR(bounds(TextAnchor::kRight).br().x, 200, 2);
  EXPECT_NEAR(bounds(TextAnchor::kCentre).x, 200 - width / 2, 2);
  EXPECT_NEAR(bounds(TextAnchor::kLeft, true).br().y, 200, 2);
  EXPECT_NEAR(bounds(TextAnchor::kRight, true).y, 200, 2);
  EXPECT_EQ(bounds(TextAnchor::kLeft, true).br().x, 200);
}

TEST(DrawText, UpwardsIsTheSamePictureTurned) {
  cv::Mat level = blank(), up = blank(), turned;
  draw_text(level, "Ähg", {100, 150}, {20, {0, 0, 0}});
  draw_text(up, "Ähg", {150, 199}, {20, {0, 0, 0}, false, TextAnchor::kLeft, true});
  cv::rotate(level, turned, cv::ROTATE_90_COUNTERCLOCKWISE);
  EXPECT_TRUE(equal(turned(changed(turned)), up(changed(up))));
}

TEST(DrawText, IsTheSameOnEveryCallAndThread) {
  const auto draw = [] {
    cv::Mat picture = blank();
    int y = 30;
    for (const std::string& text : kTexts) {
      draw_text(picture, text, {10, y}, {11.5, {40, 0, 90}});
      y += 30;
    }
    return picture;
  };
  const cv::Mat first = draw();
  EXPECT_TRUE(equal(first, draw()));
  std::array<cv::Mat, 4> pictures;
  std::vector<std::thread> threads;
  for (cv::Mat& picture : pictures) threads.emplace_back([&] { picture = draw(); });
  for (std::thread& thread : threads) thread.join();
  for (const cv::Mat& picture : pictures) EXPECT_TRUE(equal(first, picture));
}

TEST(DrawText, InvalidBytesAreShownAsReplacements) {
  const auto drawn = [](const std::string& text) {
    cv::Mat picture = blank();
    draw_text(picture, text, {10, 100}, {20, {0, 0, 0}});
    return picture;
  };
  EXPECT_TRUE(equal(drawn("a\xFF\xC3"), drawn("a\uFFFD\uFFFD")));
  EXPECT_TRUE(equal(drawn("x\ny\x1B"), drawn("x\uFFFDy\uFFFD")));
  EXPECT_FALSE(equal(drawn("\uFFFD"), blank()));
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_NO_THROW(drawn(std::string(3, static_cast<char>(byte))));
  }
}

TEST(DrawText, OutsideIsCutOff) {
  cv::Mat picture = blank(60, 40);
  cv::Mat inside = picture(cv::Rect(20, 10, 20, 20));
  for (const cv::Point base : {cv::Point(-30, 5), cv::Point(10, 18), cv::Point(5, -900),
                               cv::Point(900, 5), cv::Point(0, 30)}) {
    draw_text(inside, "Wortbild", base, {16, {0, 0, 0}});
    draw_text(inside, "Wortbild", base, {16, {0, 0, 0}, true, TextAnchor::kCentre, true});
  }
  const cv::Rect ink = changed(picture);
  EXPECT_FALSE(ink.empty());
  EXPECT_EQ(ink & cv::Rect(20, 10, 20, 20), ink);
}

TEST(DrawText, PaintsInItsColour) {
  cv::Mat picture = blank();
  draw_text(picture, "█", {100, 100}, {40, {10, 200, 30}});
  const cv::Rect ink = changed(picture);
  EXPECT_EQ(picture.at<cv::Vec3b>((ink.tl() + ink.br()) / 2), cv::Vec3b(10, 200, 30));
}

TEST(FitText, LeavesWhatFitsAndCutsTheRest) {
  const TextStyle style{12};
  const std::string text = "Ελλάδα велосипед großer Hund";
  EXPECT_EQ(fit_text(text, style, text_width(text, style)), text);
  for (int width = 0; width < text_width(text, style); width += 7) {
    for (const TextCut cut : {TextCut::kEnd, TextCut::kMiddle}) {
      const std::string fitted = fit_text(text, style, width, cut);
      EXPECT_LE(text_width(fitted, style), width);
      EXPECT_EQ(fitted.find("\uFFFD"), std::string::npos);
    }
  }
  EXPECT_EQ(fit_text(text, style, 0), "");
  EXPECT_EQ(fit_text("", style, 0), "");
  EXPECT_EQ(fit_text("abcdefgh", style, text_width("abc…", style)), "abc…");
  EXPECT_EQ(fit_text("aaaa.aaaa", style, text_width("aa…aa", style), TextCut::kMiddle), "aa…aa");
}

TEST(SetText, KernsPairs) {
  const auto width = [](const char* text) { return set_text(text, 30, false).width_px; };
  EXPECT_LT(width("AV"), width("A") + width("V"));
  EXPECT_DOUBLE_EQ(width("HH"), 2 * width("H"));
}

TEST(ShippedFont, HasTheLettersOfEurope) {
  const auto font = FontFile::open(shipped_font());
  ASSERT_NE(font, nullptr);
  for (const char32_t character : U"aßÅéŁőŞΕάЖщ0.%×…\uFFFD") {
    if (character != 0) EXPECT_NE(font->glyph_of(character), 0u) << static_cast<int>(character);
  }
  EXPECT_EQ(font->glyph_of(U'猫'), 0u);
  EXPECT_TRUE(font->is_regular());
}

}  // namespace
}  // namespace gannet
