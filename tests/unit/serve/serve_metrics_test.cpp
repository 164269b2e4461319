#include "gannet/serve/serve_metrics.h"

#include <gmock/gmock.h>

namespace gannet {
namespace {

using ::testing::HasSubstr;

TEST(ServeMetrics, HistogramsAreCumulative) {
  PrometheusHistogram histogram({1, 2.5});
  for (const double value : {0.5, 1.0, 2.0, 9.0}) histogram.add(value);
  EXPECT_EQ(histogram.text("t"),
            "# TYPE t histogram\nt_bucket{le=\"1\"} 2\nt_bucket{le=\"2.5\"} 3\n"
            "t_bucket{le=\"+Inf\"} 4\nt_sum 12.5\nt_count 4\n");
}

TEST(ServeMetrics, CountsByStatus) {
  ServeMetrics metrics;
  metrics.count_answer(200);
  metrics.count_answer(503);
  metrics.count_answer(200);
  metrics.add_batch(3);
  metrics.add_latency(0.02);
  const std::string text = metrics.text(5);
  EXPECT_THAT(text, HasSubstr("gannet_answers_total{status=\"200\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("gannet_answers_total{status=\"503\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("gannet_waiting_pictures 5\n"));
  EXPECT_THAT(text, HasSubstr("gannet_batch_pictures_bucket{le=\"4\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("gannet_detect_seconds_bucket{le=\"0.01\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("gannet_detect_seconds_bucket{le=\"0.025\"} 1\n"));
}

}  // namespace
}  // namespace gannet
