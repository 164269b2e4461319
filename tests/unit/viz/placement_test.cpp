#include "gannet/viz/placement.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace gannet {
namespace {

const std::vector<std::string> kNames = {
    "großer Hund", "Ελλάδα", "велосипед", "猫", "ÅÄÖ gjpqy|()", "a class of a very long name"};

std::vector<std::string> many_names(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    names.push_back(fmt::format("{} {}", kNames[i % kNames.size()], i));
  }
  return names;
}

void expect_disjoint(const std::vector<cv::Rect>& places) {
  for (std::size_t i = 0; i < places.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      EXPECT_TRUE((places[i] & places[k]).empty()) << k << places[k] << " and " << i << places[i];
    }
  }
}

std::vector<cv::Rect> bounds_of(const std::vector<PlacedText>& texts) {
  std::vector<cv::Rect> bounds;
  for (const PlacedText& text : texts) bounds.push_back(text.bounds());
  return bounds;
}

bool contains(const cv::Rect& area, const cv::Rect& part) { return (area & part) == part; }

TEST(PlaceCaptions, StandOnTheBox) {
  const auto places = place_captions({{100, 100, 50, 200}}, {{60, 20}}, {640, 480});
  EXPECT_EQ(places[0], cv::Rect(100, 80, 60, 20));
}

TEST(PlaceCaptions, GoInsideOrBelowWhereThereIsNoRoomAbove) {
  const auto tall = place_captions({{100, 10, 50, 200}}, {{60, 20}}, {640, 480});
  EXPECT_EQ(tall[0], cv::Rect(100, 10, 60, 20));
  const auto flat = place_captions({{100, 10, 50, 30}}, {{60, 20}}, {640, 480});
  EXPECT_EQ(flat[0], cv::Rect(100, 40, 60, 20));
}

TEST(PlaceCaptions, LaterBoxesChooseFirst) {
  const std::vector<cv::Rect> boxes(2, {100, 100, 50, 200});
  const auto places = place_captions(boxes, {{60, 20}, {60, 20}}, {640, 480});
  EXPECT_EQ(places[1], cv::Rect(100, 80, 60, 20));
  EXPECT_EQ(places[0], cv::Rect(100, 100, 60, 20));
}

TEST(PlaceCaptions, KeepOutOfTheReservedPlace) {
  const auto places =
      place_captions({{0, 30, 50, 200}}, {{60, 20}}, {640, 480}, cv::Rect(0, 0, 100, 25));
  EXPECT_EQ(places[0], cv::Rect(0, 30, 60, 20));
}

TEST(PlaceCaptions, StayInsideTheImage) {
  std::vector<cv::Rect> boxes;
  for (const int x : {-40, 0, 300, 630, 800}) {
    for (const int y : {-40, 0, 200, 475, 600}) boxes.emplace_back(x, y, 30, 25);
  }
  boxes.emplace_back(-10, -10, 900, 900);
  const std::vector<cv::Size> sizes(boxes.size(), {90, 18});
  for (const cv::Size image : {cv::Size(640, 480), cv::Size(50, 10), cv::Size(1, 1)}) {
    for (const cv::Rect& place : place_captions(boxes, sizes, image)) {
      EXPECT_FALSE(place.empty());
      EXPECT_TRUE(contains({{0, 0}, image}, place)) << place;
    }
  }
}

TEST(PlaceCaptions, CrowdedOnesAreLeftOutAndLaterBoxesKeepTheirs) {
  std::vector<cv::Rect> boxes;
  for (int i = 0; i < 60; ++i) boxes.emplace_back(40 + i * 37 % 90, 60 + i * 53 % 70, 40, 40);
  const std::vector<cv::Size> sizes(boxes.size(), {60, 18});
  const cv::Rect band(0, 0, 200, 30);
  auto places = place_captions(boxes, sizes, {320, 320}, band, Crowded::kLeaveOut);
  EXPECT_FALSE(places.back().empty());
  std::erase_if(places, [](const cv::Rect& place) { return place.empty(); });
  EXPECT_GE(places.size(), 8u);
  EXPECT_LT(places.size(), boxes.size());
  places.push_back(band);
  expect_disjoint(places);
}

TEST(PlaceCaptions, NothingToPlace) {
  EXPECT_TRUE(place_captions({}, {}, {640, 480}).empty());
  EXPECT_TRUE(place_captions({{1, 1, 5, 5}}, {{}}, {640, 480})[0].empty());
}

TEST(PlaceBeside, TagsAvoidPointsObstaclesAndEachOther) {
  const std::vector<cv::Point> points = {{100, 100}, {130, 100}, {160, 102}, {5, 5}, {495, 395}};
  const std::vector<cv::Size> sizes(points.size(), {28, 14});
  const cv::Rect area(0, 0, 500, 400), obstacle(90, 78, 30, 10);
  auto places = place_beside(points, sizes, area, {obstacle});
  for (const cv::Rect& place : places) EXPECT_TRUE(contains(area, place));
  for (const cv::Point& point : points) places.emplace_back(point.x - 5, point.y - 5, 10, 10);
  places.push_back(obstacle);
  expect_disjoint(places);
}

TEST(PlaceNames, RowsAndColumnsDoNotTouchForAnyNumberOfClasses) {
  for (const std::size_t count : {1U, 3U, 20U, 80U, 365U}) {
    const int side = std::max(400, 14 * static_cast<int>(count));
    const cv::Rect axis(250, 50, side, side);
    const auto names = many_names(count);
    const auto rows = place_row_names(names, axis, {}),
               columns = place_column_names(names, axis, {});
    EXPECT_EQ(rows.size(), count);
    EXPECT_EQ(columns.size(), count);
    std::vector<cv::Rect> all = bounds_of(rows);
    for (const cv::Rect& row : all) EXPECT_TRUE(contains({40, 40, 205, side + 20}, row)) << row;
    for (const cv::Rect& column : bounds_of(columns)) {
      EXPECT_TRUE(contains({240, 50 + side + 1, side + 20, 215}, column)) << column;
      all.push_back(column);
    }
    all.push_back(axis);
    expect_disjoint(all);
  }
}

TEST(PlaceNames, NarrowSlotsShowEverySecondOrFifth) {
  const auto rows = place_row_names(many_names(100), {250, 0, 100, 500}, {});  // 5 px each
  EXPECT_EQ(rows.size(), 20u);
  expect_disjoint(bounds_of(rows));
  EXPECT_EQ(place_row_names(many_names(100), {250, 0, 100, 1000}, {}).size(), 50u);
}

TEST(PlaceNames, ColumnsAreUprightWhereTheyFit) {
  const cv::Rect axis(0, 0, 600, 600);
  for (const PlacedText& name : place_column_names({"cat", "dog"}, axis, {})) {
    EXPECT_FALSE(name.style.upwards);
  }
  for (const PlacedText& name : place_column_names(many_names(20), axis, {})) {
    EXPECT_TRUE(name.style.upwards);
  }
}

std::vector<LegendEntry> entries_of(std::size_t count) {
  std::vector<LegendEntry> entries;
  for (const std::string& name : many_names(count)) entries.push_back({name, "0.534", {}, 2});
  return entries;
}

TEST(PlaceLegend, EightyClassesDoNotOverlap) {
  for (const std::size_t count : {1U, 3U, 21U, 80U}) {
    const cv::Rect area(1000, 60, 330, 740);
    const Legend legend = place_legend(entries_of(count), area, 12);
    EXPECT_EQ(legend.shown, count);
    EXPECT_EQ(legend.texts.size(), 2 * count);  // name and value
    std::vector<cv::Rect> places = bounds_of(legend.texts);
    places.insert(places.end(), legend.swatches.begin(), legend.swatches.end());
    for (const cv::Rect& place : places) EXPECT_TRUE(contains(area, place)) << place;
    expect_disjoint(places);
  }
}

TEST(PlaceLegend, CountsWhatDoesNotFit) {
  const Legend legend = place_legend(entries_of(100), {0, 0, 140, 120}, 12);
  EXPECT_EQ(legend.shown, 7u);  // of eight rows of 13.3 px, the last one says how many more
  EXPECT_EQ(legend.texts.back().text, "and 93 more");
  EXPECT_EQ(place_legend({}, {0, 0, 140, 120}, 12).shown, 0u);
}

}  // namespace
}  // namespace gannet
