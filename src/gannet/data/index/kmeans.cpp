#include "gannet/data/index/kmeans.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gannet/core/error.h"
#include "gannet/core/rng.h"

namespace gannet {
namespace {

using Point = std::array<double, 2>;

constexpr int kStarts = 30;
constexpr int kMaxRounds = 300;
constexpr double kMinImprovement = 1e-5;

/// Population standard deviation of each side; 1 where all are equal.
Point deviations(const std::vector<Point>& points) {
  Point result{};
  const auto count = static_cast<double>(points.size());
  for (std::size_t side = 0; side < 2; ++side) {
    double sum = 0, squares = 0;
    for (const Point& point : points) sum += point[side];
    for (const Point& point : points) squares += std::pow(point[side] - sum / count, 2);
    result[side] = squares > 0 ? std::sqrt(squares / count) : 1.0;
  }
  return result;
}

double squared_distance(const Point& a, const Point& b) {
  return (a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]);
}

struct Assignment {
  std::vector<std::size_t> center;  // of each point
  std::vector<double> distance;     // to it
  double mean_distance = 0;
};

void assign(const std::vector<Point>& points, const std::vector<Point>& centers,
            Assignment& assignment) {
  assignment.center.resize(points.size());
  assignment.distance.resize(points.size());
  double sum = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    double best = std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < centers.size(); ++k) {
      const double distance = squared_distance(points[i], centers[k]);
      if (distance >= best) continue;
      best = distance;
      assignment.center[i] = k;
    }
    assignment.distance[i] = std::sqrt(best);
    sum += assignment.distance[i];
  }
  assignment.mean_distance = sum / static_cast<double>(points.size());
}

void move_centers(const std::vector<Point>& points, Assignment& assignment,
                  std::vector<Point>& centers) {
  std::vector<Point> sums(centers.size());
  std::vector<double> counts(centers.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    const std::size_t k = assignment.center[i];
    sums[k][0] += points[i][0];
    sums[k][1] += points[i][1];
    ++counts[k];
  }
  for (std::size_t k = 0; k < centers.size(); ++k) {
    if (counts[k] > 0) {
      centers[k] = {sums[k][0] / counts[k], sums[k][1] / counts[k]};
    } else {
      const auto worst = std::max_element(assignment.distance.begin(), assignment.distance.end());
      centers[k] = points[static_cast<std::size_t>(worst - assignment.distance.begin())];
      *worst = 0;  // another empty cluster takes another point
    }
  }
}

}  // namespace

std::vector<Point> kmeans(const std::vector<Point>& points, int num_centers, std::uint64_t seed) {
  GANNET_CHECK(!points.empty() && num_centers > 0, "k-means needs points and centres");
  const Point deviation = deviations(points);
  std::vector<Point> scaled;
  for (const Point& p : points) scaled.push_back({p[0] / deviation[0], p[1] / deviation[1]});

  std::vector<Point> best;
  double best_distance = std::numeric_limits<double>::infinity();
  for (std::uint64_t start = 0; start < kStarts; ++start) {
    const auto order =
        permutation(static_cast<std::int64_t>(points.size()), {seed, 0, start, Purpose::kAnchors});
    std::vector<Point> centers;
    for (std::size_t k = 0; k < static_cast<std::size_t>(num_centers); ++k) {
      centers.push_back(scaled[static_cast<std::size_t>(order[k % order.size()])]);
    }
    Assignment assignment;
    assign(scaled, centers, assignment);
    for (int round = 0; round < kMaxRounds; ++round) {
      const double before = assignment.mean_distance;
      move_centers(scaled, assignment, centers);
      assign(scaled, centers, assignment);
      if (before - assignment.mean_distance <= kMinImprovement) break;
    }
    if (assignment.mean_distance >= best_distance) continue;
    best_distance = assignment.mean_distance;
    best = centers;
  }
  for (Point& center : best) center = {center[0] * deviation[0], center[1] * deviation[1]};
  return best;
}

}  // namespace gannet
