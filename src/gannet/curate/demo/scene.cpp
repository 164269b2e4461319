#include "gannet/curate/demo/scene.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <opencv2/imgproc.hpp>
#include <utility>
#include <vector>

#include "gannet/curate/demo/texture.h"

namespace gannet {
namespace {

int random_int(Rng& rng, double low, double high) {
  return static_cast<int>(std::lround(rng.uniform(low, high)));
}

cv::Scalar jittered(const cv::Scalar& colour, double amount, Rng& rng) {
  const double gain = 1 + rng.uniform(-amount, amount);
  cv::Scalar result;
  for (int c = 0; c < 3; ++c) {
    result[c] = std::clamp(colour[c] * gain + rng.uniform(-8, 8), 0.0, 255.0);
  }
  return result;
}

void paint_tree(cv::Mat& scene, const cv::Point& foot, int height, Rng& rng) {
  const int trunk = std::max(2, height / 14);
  cv::rectangle(scene, {foot.x - trunk, foot.y - height / 2}, {foot.x + trunk, foot.y},
                jittered({38, 58, 76}, 0.2, rng), cv::FILLED);
  const cv::Scalar green = jittered({48, 98, 62}, 0.3, rng);
  for (int i = 0; i < 14; ++i) {
    const cv::Point centre(
        foot.x + random_int(rng, -0.28, 0.28) + random_int(rng, -0.26 * height, 0.26 * height),
        foot.y - random_int(rng, 0.42 * height, 0.92 * height));
    cv::circle(scene, centre, random_int(rng, 0.1 * height, 0.2 * height),
               jittered(green, 0.18, rng), cv::FILLED, cv::LINE_AA);
  }
}

void paint_car(cv::Mat& scene, const cv::Point& foot, int length, Rng& rng) {
  const cv::Scalar colours[] = {
      {90, 84, 80}, {186, 182, 178}, {96, 66, 44}, {52, 92, 62}, {58, 52, 110}};
  const cv::Scalar paint = jittered(colours[rng.below(5)], 0.15, rng);
  const int body = length / 5, x = foot.x, y = foot.y - body / 2;
  const std::vector<cv::Point> cabin = {{x + length / 5, y - body},
                                        {x + length * 3 / 10, y - 2 * body},
                                        {x + length * 7 / 10, y - 2 * body},
                                        {x + length * 17 / 20, y - body}};
  cv::fillConvexPoly(scene, cabin, cv::Scalar(96, 84, 74), cv::LINE_AA);
  cv::rectangle(scene, cv::Rect(x, y - body, length, body), paint, cv::FILLED);
  for (const int wheel : {length / 5, length * 4 / 5}) {
    cv::circle(scene, {x + wheel, y}, body * 11 / 20, {34, 32, 32}, cv::FILLED, cv::LINE_AA);
    cv::circle(scene, {x + wheel, y}, body / 4, {150, 148, 146}, cv::FILLED, cv::LINE_AA);
  }
}

void paint_billboard(cv::Mat& scene, const cv::Rect& area, Rng& rng) {
  const cv::Scalar colours[] = {{206, 210, 212}, {146, 132, 92}, {98, 118, 138}, {120, 150, 118}};
  cv::rectangle(scene, area, jittered(colours[rng.below(4)], 0.1, rng), cv::FILLED);
  for (int line = 0; line < 3; ++line) {
    const int y = area.y + area.height * (2 + 3 * line) / 12;
    const int length = random_int(rng, 0.4 * area.width, 0.8 * area.width);
    cv::rectangle(scene, cv::Rect(area.x + area.width / 10, y, length, area.height / 9),
                  jittered({84, 78, 74}, 0.3, rng), cv::FILLED);
  }
  cv::rectangle(scene, area, {70, 66, 64}, 2, cv::LINE_AA);
}

void paint_sky(cv::Mat sky, Rng& rng) {
  struct Sky {
    cv::Scalar top, bottom;
  };
  const Sky skies[] = {{{214, 156, 92}, {238, 222, 200}},
                       {{196, 178, 160}, {226, 220, 214}},
                       {{150, 104, 84}, {150, 188, 244}},
                       {{230, 178, 120}, {246, 236, 222}}};
  const Sky& chosen = skies[rng.below(4)];
  fill_gradient(sky, jittered(chosen.top, 0.08, rng), jittered(chosen.bottom, 0.05, rng));
  const cv::Mat noise = fractal_noise({sky.cols, sky.rows * 2}, 4, rng).rowRange(0, sky.rows);
  blend_where(sky, noise, rng.uniform(0.48, 0.62), 0.2, {250, 248, 246});
}

void paint_road(cv::Mat& scene, int horizon, Rng& rng) {
  const int w = scene.cols, h = scene.rows;
  const int vanish = random_int(rng, 0.3 * w, 0.7 * w), foot = random_int(rng, 0.25 * w, 0.75 * w);
  const int half = random_int(rng, 0.24 * w, 0.4 * w);
  const std::vector<cv::Point> road = {
      {vanish - w / 80, horizon}, {vanish + w / 80, horizon}, {foot + half, h}, {foot - half, h}};
  cv::fillConvexPoly(scene, road, jittered({104, 100, 98}, 0.15, rng), cv::LINE_AA);
  for (int dash = 0; dash < 6; ++dash) {  // shorter and closer towards the horizon
    const double near = std::pow(0.58, dash), far = near * 0.74;
    const auto x = [&](double t) { return vanish + (foot - vanish) * t; };
    const auto y = [&](double t) { return horizon + (h - horizon) * t; };
    std::vector<cv::Point> line;
    for (const auto& [t, side] : {std::pair{near, -1}, {near, 1}, {far, 1}, {far, -1}}) {
      line.emplace_back(static_cast<int>(x(t) + side * 0.022 * half * 2 * t),
                        static_cast<int>(y(t)));
    }
    cv::fillConvexPoly(scene, line, {218, 220, 222}, cv::LINE_AA);
  }
}

void paint_countryside(cv::Mat& scene, Rng& rng) {
  const int w = scene.cols, h = scene.rows, horizon = random_int(rng, 0.42 * h, 0.62 * h);
  paint_sky(scene.rowRange(0, horizon), rng);
  for (const double depth : {1.0, 0.5}) {
    const cv::Scalar hill =
        jittered({118 + 40 * depth, 126 + 14 * depth, 84 + 30 * depth}, 0.1, rng);
    const double phase = rng.uniform(0, 6.3), waves = rng.uniform(1.5, 4);
    std::vector<cv::Point> ridge = {{w, horizon}, {0, horizon}};
    for (int x = 0; x <= w; x += w / 40) {
      const double lift = 0.6 + 0.4 * std::sin(phase + waves * 6.28 * x / w);
      ridge.emplace_back(x, horizon - static_cast<int>(lift * depth * 0.16 * h));
    }
    cv::fillPoly(scene, std::vector<std::vector<cv::Point>>{ridge}, hill, cv::LINE_AA);
  }
  cv::Mat ground = scene.rowRange(horizon, h);
  fill_gradient(ground, jittered({86, 150, 124}, 0.12, rng), jittered({52, 112, 82}, 0.15, rng));
  multiply_by(ground, fractal_noise(ground.size(), 24, rng), 0.3);
  for (int i = random_int(rng, 2, 7); i > 0; --i) {
    paint_tree(scene, {random_int(rng, 0, w), horizon + random_int(rng, 0, 0.06 * h)},
               random_int(rng, 0.12 * h, 0.34 * h), rng);
  }
  paint_road(scene, horizon, rng);
}

void paint_wall(cv::Mat& scene, Rng& rng) {
  const cv::Scalar walls[] = {{82, 98, 142}, {150, 166, 176}, {110, 124, 136}, {104, 128, 164}};
  const cv::Scalar brick = jittered(walls[rng.below(4)], 0.1, rng);
  scene.setTo(jittered({168, 172, 174}, 0.1, rng));
  const int row = random_int(rng, 14, 24), length = row * 5 / 2, pavement = scene.rows * 4 / 5;
  for (int y = 0, n = 0; y < pavement; y += row, ++n) {
    for (int x = -(n % 2) * length / 2; x < scene.cols; x += length) {
      cv::rectangle(scene, {x + 1, y + 1}, {x + length - 2, y + row - 2},
                    jittered(brick, 0.09, rng), cv::FILLED);
    }
  }
  for (int i = random_int(rng, 0, 2); i > 0; --i) {
    const cv::Rect window(random_int(rng, 0, 0.8 * scene.cols),
                          random_int(rng, 0, 0.3 * scene.rows), scene.cols / 6, scene.rows / 4);
    cv::rectangle(scene, window, {120, 106, 92}, cv::FILLED);
    cv::rectangle(scene, window, {214, 218, 220}, 6, cv::LINE_AA);
    cv::line(scene, {window.x + window.width / 2, window.y},
             {window.x + window.width / 2, window.br().y}, {214, 218, 220}, 4);
  }
  cv::Mat ground = scene.rowRange(pavement, scene.rows);
  fill_gradient(ground, {150, 150, 152}, {112, 112, 116});
  multiply_by(scene, fractal_noise(scene.size(), 10, rng), 0.24);
}

void paint_woods(cv::Mat& scene, Rng& rng) {
  fill_gradient(scene, jittered({120, 160, 134}, 0.2, rng), jittered({44, 74, 60}, 0.2, rng));
  multiply_by(scene, fractal_noise(scene.size(), 8, rng), 0.9);
  for (int i = random_int(rng, 3, 8); i > 0; --i) {
    const int x = random_int(rng, 0, scene.cols), width = random_int(rng, 8, 40);
    const cv::Scalar bark = jittered({54, 70, 84}, 0.25, rng);
    cv::rectangle(scene, {x, 0}, {x + width, scene.rows}, bark, cv::FILLED);
    cv::rectangle(scene, {x + width * 2 / 3, 0}, {x + width, scene.rows}, bark * 0.75, cv::FILLED);
  }
  cv::Mat soft = scene.clone();
  for (int i = 0; i < 16; ++i) {
    cv::circle(soft, {random_int(rng, 0, scene.cols), random_int(rng, 0, scene.rows)},
               random_int(rng, 10, 46), jittered({150, 196, 172}, 0.25, rng), cv::FILLED,
               cv::LINE_AA);
  }
  cv::addWeighted(soft, 0.3, scene, 0.7, 0, scene);
  cv::GaussianBlur(scene, scene, {}, rng.uniform(1.5, 4));
}

void paint_town(cv::Mat& scene, Rng& rng) {
  const int w = scene.cols, h = scene.rows, street = random_int(rng, 0.72 * h, 0.85 * h);
  paint_sky(scene.rowRange(0, street), rng);
  const bool lit = rng.uniform() < 0.5;
  for (int x = -random_int(rng, 0, 60); x < w;) {
    const int width = random_int(rng, 0.12 * w, 0.26 * w), top = random_int(rng, 0.08 * h, 0.5 * h);
    const cv::Scalar wall = jittered({136, 138, 144}, 0.32, rng);
    cv::rectangle(scene, {x, top}, {x + width, street}, wall, cv::FILLED);
    const int cell = random_int(rng, 26, 40);
    for (int wy = top + cell / 2; wy + cell < street; wy += cell) {
      for (int wx = x + cell / 3; wx + cell * 2 / 3 < x + width; wx += cell) {
        const cv::Scalar glow =
            lit && rng.uniform() < 0.4 ? cv::Scalar(150, 208, 238) : wall * 0.62;
        cv::rectangle(scene, {wx, wy}, {wx + cell / 2, wy + cell * 3 / 5}, glow, cv::FILLED);
      }
    }
    x += width + random_int(rng, 0, 12);
  }
  cv::Mat ground = scene.rowRange(street, h);
  fill_gradient(ground, jittered({118, 114, 112}, 0.1, rng), jittered({84, 80, 78}, 0.1, rng));
  multiply_by(ground, fractal_noise(ground.size(), 20, rng), 0.2);
}

void paint_clutter(cv::Mat& scene, Rng& rng) {
  const int w = scene.cols, h = scene.rows;
  if (rng.uniform() < 0.5) {
    paint_car(scene, {random_int(rng, -0.1 * w, 0.8 * w), random_int(rng, 0.8 * h, 0.98 * h)},
              random_int(rng, 0.2 * w, 0.4 * w), rng);
  }
  if (rng.uniform() < 0.35) {
    const int width = random_int(rng, 0.14 * w, 0.26 * w);
    paint_billboard(
        scene,
        {random_int(rng, 0, 0.8 * w), random_int(rng, 0.2 * h, 0.6 * h), width, width * 3 / 5},
        rng);
  }
  if (rng.uniform() < 0.4) {
    paint_tree(scene, {random_int(rng, 0, w), random_int(rng, 0.75 * h, h)},
               random_int(rng, 0.4 * h, 0.7 * h), rng);
  }
}

void paint_vignette(cv::Mat& image, double strength) {
  for (int y = 0; y < image.rows; ++y) {
    auto* row = image.ptr<cv::Vec3b>(y);
    const double dy = 2.0 * y / image.rows - 1;
    for (int x = 0; x < image.cols; ++x) {
      const double dx = 2.0 * x / image.cols - 1;
      row[x] = row[x] * (1 - strength * (dx * dx + dy * dy) / 2);
    }
  }
}

}  // namespace

void paint_demo_background(cv::Mat& scene, Rng& rng) {
  const double kind = rng.uniform();
  if (kind < 0.4)
    paint_countryside(scene, rng);
  else if (kind < 0.58)
    paint_wall(scene, rng);
  else if (kind < 0.76)
    paint_woods(scene, rng);
  else
    paint_town(scene, rng);
  paint_clutter(scene, rng);
}

void paint_pole(cv::Mat& scene, cv::Mat& mask, const cv::Point& top, int width, Rng& rng) {
  const cv::Scalar metal = jittered({146, 144, 142}, 0.2, rng);
  const cv::Rect whole(top.x - width / 2, top.y, width, std::max(0, scene.rows - top.y));
  const cv::Rect shade(whole.x + width * 3 / 5, whole.y, std::max(1, width * 2 / 5), whole.height);
  cv::rectangle(scene, whole, metal, cv::FILLED);
  cv::rectangle(scene, shade, metal * 0.72, cv::FILLED);
  cv::rectangle(mask, whole, cv::Scalar(255), cv::FILLED);
}

void paint_leaves(cv::Mat& scene, cv::Mat& mask, const cv::Point& centre, int radius, Rng& rng) {
  const cv::Scalar green = jittered({54, 124, 82}, 0.25, rng);
  for (int i = 0; i < 9; ++i) {
    const double angle = rng.uniform(0, 2 * std::numbers::pi), away = rng.uniform(0, 0.8) * radius;
    const cv::Point at(centre.x + static_cast<int>(away * std::cos(angle)),
                       centre.y + static_cast<int>(away * std::sin(angle)));
    const cv::Size axes(std::max(3, random_int(rng, 0.35 * radius, 0.6 * radius)),
                        std::max(2, random_int(rng, 0.14 * radius, 0.25 * radius)));
    const double turn = rng.uniform(0, 180);
    cv::ellipse(scene, at, axes, turn, 0, 360, jittered(green, 0.2, rng), cv::FILLED, cv::LINE_AA);
    cv::ellipse(mask, at, axes, turn, 0, 360, cv::Scalar(255), cv::FILLED);
  }
}

void apply_camera(cv::Mat& image, Rng& rng) {
  const double gain = rng.uniform(0.72, 1.18), lift = rng.uniform(-8, 10);
  const double warmth = rng.uniform(-0.06, 0.06);
  cv::multiply(image, cv::Scalar(1 - warmth, 1, 1 + warmth), image);
  image.convertTo(image, -1, gain, lift);
  paint_vignette(image, rng.uniform(0, 0.28));
  const double blur = rng.uniform(-0.6, 0.9);
  if (blur > 0.3) cv::GaussianBlur(image, image, {}, blur);
  add_noise(image, rng.uniform(0, 6), rng);
}

}  // namespace gannet
