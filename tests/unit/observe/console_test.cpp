#include "gannet/observe/console.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace gannet {
namespace {

using testing::HasSubstr;
using testing::Not;

/// A console whose output and clock the test holds.
struct Screen {
  std::string text;
  double time = 100;
  ConsoleOptions options(bool terminal, int columns = 0) {
    ConsoleOptions result;
    result.write = [this](std::string_view part) { text += part; };
    result.now = [this] { return time; };
    result.terminal = terminal;
    result.columns = columns;
    return result;
  }
  auto lines() const { return std::count(text.begin(), text.end(), '\n'); }
};

StepEvent step_event(std::int64_t step) {
  StepEvent event;
  event.epoch = 2;
  event.epochs = 300;
  event.memory_gib = 1.5;
  event.loss = {.box = 0.05, .obj = 0.1, .cls = 0.02, .total = 0.17};
  event.targets = 31;
  event.image_size = 640;
  event.images_per_second = 812.3;
  event.data_wait_fraction = 0.03;
  event.step = step;
  event.steps = 50;
  event.seconds_left = 42;
  return event;
}

EpochRow epoch_row(bool evaluated) {
  EpochRow row;
  static_cast<TrainProgress&>(row) = step_event(49);
  row.evaluated = evaluated;
  row.metrics = {.precision = 0.5, .recall = 0.6, .map50 = 0.7, .map = 0.4};
  row.val_images = 128;
  row.val_targets = 929;
  row.seconds = 61;
  return row;
}

TEST(Console, TerminalRedrawsOneLine) {
  Screen screen;
  ConsoleObserver console(screen.options(true));
  console.on_epoch_start({});
  EXPECT_THAT(screen.text, HasSubstr("     Epoch       mem      GIoU       obj       cls     total"
                                     "   targets  img_size\n"));
  screen.text.clear();
  screen.time += 1;
  console.on_step(step_event(24));
  EXPECT_EQ(screen.lines(), 0);
  EXPECT_THAT(screen.text,
              HasSubstr("\r     2/299      1.5G      0.05       0.1      0.02      0.17"
                        "        31       640"));
  EXPECT_THAT(screen.text, HasSubstr("[##########----------]   50%  25/50  812.3 img/s  wait 3%"
                                     "  0:42 left"));
}

TEST(Console, TerminalDrawsAtMostTenTimesASecond) {
  Screen screen;
  ConsoleObserver console(screen.options(true));
  console.on_epoch_start({});
  screen.text.clear();
  for (int i = 0; i < 50; ++i) {
    screen.time += 0.01;
    console.on_step(step_event(i));
  }
  EXPECT_LE(std::count(screen.text.begin(), screen.text.end(), '\r'), 5);
  EXPECT_GE(std::count(screen.text.begin(), screen.text.end(), '\r'), 4);
}

TEST(Console, LinesFitTheTerminal) {
  for (const int columns : {80, 100, 120, 140}) {
    Screen screen;
    ConsoleObserver console(screen.options(true, columns));
    console.on_epoch_start({});
    screen.text.clear();
    screen.time += 1;
    console.on_step(step_event(10));
    EXPECT_LT(screen.text.size() - 4, static_cast<std::size_t>(columns)) << screen.text;
  }
}

TEST(Console, PlainOutputIsSparse) {
  Screen screen;
  ConsoleObserver console(screen.options(false));
  console.on_epoch_start({});
  screen.text.clear();
  for (int i = 0; i < 50; ++i) {
    screen.time += 0.5;
    console.on_step(step_event(i));
  }
  EXPECT_EQ(screen.lines(), 2);  // 25 seconds
  EXPECT_THAT(screen.text, Not(HasSubstr("\r")));
}

TEST(Console, EpochEndShowsTheValidationRow) {
  Screen screen;
  ConsoleObserver console(screen.options(false));
  console.on_epoch_end(epoch_row(true));
  EXPECT_THAT(screen.text,
              HasSubstr("               Class      Images     Targets           P           R"
                        "      mAP@.5  mAP@.5:.95\n"
                        "                 all         128         929         0.5         0.6"
                        "         0.7         0.4\n"));
  EXPECT_THAT(screen.text, HasSubstr("1:01\n"));
}

TEST(Console, NothingIsShownThatWasNotEvaluated) {
  Screen screen;
  ConsoleObserver console(screen.options(true));
  console.on_epoch_end(epoch_row(false));
  EXPECT_EQ(screen.lines(), 1);
  EXPECT_THAT(screen.text, Not(HasSubstr("Class")));
}

TEST(Console, PlainOutputOfShortEpochsHasOneHeaderAndNoSteps) {
  Screen screen;
  ConsoleObserver console(screen.options(false));
  for (int epoch = 0; epoch < 3; ++epoch) {
    console.on_epoch_start({});
    for (int i = 0; i < 10; ++i) {
      screen.time += 0.9;
      console.on_step(step_event(i));
    }
    console.on_epoch_end(epoch_row(false));
  }
  EXPECT_EQ(screen.lines(), 2 + 3);  // an empty line, the titles, three epochs
}

TEST(Console, RunEndLeavesNoOpenLine) {
  Screen screen;
  ConsoleObserver console(screen.options(true));
  console.on_epoch_start({});
  screen.time += 1;
  console.on_step(step_event(24));
  console.on_run_end({});
  EXPECT_EQ(screen.text.back(), '\n');
}

}  // namespace
}  // namespace gannet
