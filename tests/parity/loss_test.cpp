// Target assignment, loss parts and gradients, IoU family and element losses.
#include "gannet/loss/assign.h"
#include "gannet/loss/detection_loss.h"
#include "gannet/ops/boxes.h"
#include "tests/parity/golden.h"

namespace gannet {
namespace {

/// Cases of both releases, as "loss/NAME" and "release7/loss/NAME".
std::vector<std::string> loss_cases() {
  std::vector<std::string> names;
  for (const std::string folder : {"loss/", "release7/loss/"}) {
    const auto index = golden::json(folder + "index.json");
    for (const auto& entry : index["cases"])
      names.push_back(folder + entry["file"].get<std::string>());
  }
  return names;
}

bool is_release7(const std::string& name) { return name.starts_with("release7/"); }

HeadSpec head_of(const nlohmann::json& json, const golden::Vector& vector) {
  HeadSpec head;
  head.num_classes = json["nc"];
  head.strides = json["strides"].get<std::vector<double>>();
  const auto anchors = vector["anchors"];  // in cells
  for (std::int64_t l = 0; l < anchors.size(0); ++l) {
    std::vector<std::array<float, 2>> level;
    for (std::int64_t a = 0; a < anchors.size(1); ++a) {
      const auto stride = static_cast<float>(head.strides[static_cast<std::size_t>(l)]);
      level.push_back(
          {anchors[l][a][0].item<float>() * stride, anchors[l][a][1].item<float>() * stride});
    }
    head.anchors_px.push_back(level);
  }
  return head;
}

LossOptions options_of(const nlohmann::json& json) {
  const auto& hyp = json["hyp"];
  LossOptions options;
  options.box_gain = hyp[hyp.contains("box") ? "box" : "giou"];
  options.objectness_gain = hyp["obj"];
  options.class_gain = hyp["cls"];
  options.class_positive_weight = hyp["cls_pw"];
  options.objectness_positive_weight = hyp["obj_pw"];
  options.focal_gamma = hyp["fl_gamma"];
  options.anchor_threshold = hyp["anchor_t"];
  options.overlap_ratio = json["gr"];
  if (!hyp.contains("box")) return options;
  options.box_overlap = IouKind::kCiou;
  options.iou_epsilon = kIouEpsilon7;
  options.level_balance = json["balance"].get<std::vector<double>>();
  options.label_smoothing = hyp["label_smoothing"];
  options.edges_count_twice = true;
  // The gains hold 3 / levels already, which the loss applies by itself.
  const double per_level = 3.0 / static_cast<double>(json["strides"].size());
  for (double* gain : {&options.box_gain, &options.objectness_gain, &options.class_gain})
    *gain /= per_level;
  return options;
}

class Loss : public ::testing::TestWithParam<std::string> {};

TEST_P(Loss, AssignmentPartsAndGradients) {
  const golden::Vector vector(GetParam());
  const auto json = golden::json(GetParam() + ".json");
  const HeadSpec head = head_of(json, vector);
  const DetectionLoss loss(options_of(json));
  for (const auto& [prefix, dtype, tolerance] :
       {std::tuple{"f64/", torch::kFloat64, 1e-10}, std::tuple{"f32/", torch::kFloat32, 1e-5}}) {
    SCOPED_TRACE(prefix);
    std::vector<torch::Tensor> raw;
    for (int l = 0; l < head.num_levels(); ++l)
      raw.push_back(vector["pred." + std::to_string(l)].to(dtype).requires_grad_());
    const auto targets = vector["targets"].to(torch::kCPU);
    const auto matches =
        assign_targets(targets.to(dtype), raw, head,
                       {loss.options().anchor_threshold, loss.options().edges_count_twice});
    for (std::size_t l = 0; l < matches.size(); ++l) {
      const std::string level = "." + std::to_string(l);
      const LevelMatches& m = matches[l];
      EXPECT_TRUE(torch::equal(torch::stack({m.image, m.anchor, m.row, m.column}, 1),
                               vector["index" + level]))
          << "index" << level;
      EXPECT_TRUE(torch::equal(m.class_id, vector["tcls" + level])) << "tcls" << level;
      EXPECT_TRUE(golden::near(m.anchor_cells, vector["anchor" + level], 1e-7))
          << "anchor" << level;
      EXPECT_TRUE(golden::near(m.box_cxcywh, vector[prefix + ("tbox" + level)], tolerance))
          << "tbox" << level;
    }
    const LossParts parts = loss(raw, targets, head);
    const auto items = vector[std::string(prefix) + "items"];
    EXPECT_TRUE(golden::near_by_columns(parts.items.slice(0, 0, items.size(0)), items, {1, 1, 1, 1},
                                        tolerance));
    EXPECT_TRUE(golden::near(parts.total.reshape({1}), vector[std::string(prefix) + "returned"],
                             tolerance));
    parts.total.backward();
    for (std::size_t l = 0; l < raw.size(); ++l) {
      const std::string key = std::string(prefix) + "grad." + std::to_string(l);
      EXPECT_TRUE(vector.has(key) || dtype == torch::kFloat32) << key;
      if (vector.has(key))
        EXPECT_TRUE(golden::near_predictions(raw[l].grad(), vector[key], tolerance)) << key;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Loss, ::testing::ValuesIn(loss_cases()), [](const auto& test) {
  const auto name = test.param.substr(test.param.rfind('/') + 1);
  return (is_release7(test.param) ? "release7_" : "") + name;
});

TEST(LossQuirks, CentreAtOneIsClampedToTheGrid) {
  const auto json = golden::json("loss/quirk_q41_centre_at_one.json");
  const auto rows = json["targets"].get<std::vector<std::vector<float>>>();
  auto targets = torch::empty({static_cast<std::int64_t>(rows.size()), 6});
  for (std::size_t i = 0; i < rows.size(); ++i)
    targets[static_cast<std::int64_t>(i)] = torch::tensor(rows[i]);
  HeadSpec head;
  head.num_classes = 3;
  head.strides = {32, 16, 8};
  head.anchors_px = {{{116, 90}, {156, 198}, {373, 326}},
                     {{30, 61}, {62, 45}, {59, 119}},
                     {{10, 13}, {16, 30}, {33, 23}}};
  std::vector<torch::Tensor> raw;
  for (const int grid : {4, 8, 16}) raw.push_back(torch::zeros({1, 3, grid, grid, 8}));
  const auto matches = assign_targets(targets, raw, head, {});
  for (std::size_t l = 0; l < raw.size(); ++l) {
    const auto& expected = json["reference"][l]["index_image_anchor_row_col"];
    ASSERT_EQ(matches[l].count(), static_cast<std::int64_t>(expected.size()));
    for (std::int64_t i = 0; i < matches[l].count(); ++i) {
      const auto last = raw[l].size(2) - 1;
      EXPECT_EQ(matches[l].row[i].item<std::int64_t>(),
                std::min(expected[static_cast<std::size_t>(i)][2].get<std::int64_t>(), last));
      EXPECT_EQ(matches[l].column[i].item<std::int64_t>(),
                std::min(expected[static_cast<std::size_t>(i)][3].get<std::int64_t>(), last));
    }
  }
}

constexpr std::pair<const char*, IouKind> kOverlaps[] = {{"iou", IouKind::kIou},
                                                         {"giou", IouKind::kGiou},
                                                         {"diou", IouKind::kDiou},
                                                         {"ciou", IouKind::kCiou}};

// Release 7.0 (R29): rows from 58 on have no area, those from 55 on gradients that depend on ties.
TEST(IouVectors, OfRelease7) {
  const golden::Vector vector("release7/iou");
  for (const auto& [prefix, dtype, tolerance] :
       {std::tuple{"f64/", torch::kFloat64, 1e-10}, std::tuple{"f32/", torch::kFloat32, 1e-5}}) {
    for (const auto& [name, kind] : kOverlaps) {
      SCOPED_TRACE(std::string(prefix) + name);
      auto a = vector["a_cxcywh"].to(dtype).requires_grad_();
      auto b = vector["b_cxcywh"].to(dtype).requires_grad_();
      const auto value = paired_iou_cxcywh(a, b, kind, kIouEpsilon7);
      EXPECT_TRUE(golden::near(value.slice(0, 0, 58),
                               vector[std::string(prefix) + name].slice(0, 0, 58), tolerance));
      (1 - value).sum().backward();
      EXPECT_TRUE(a.grad().isfinite().all().item<bool>() && b.grad().isfinite().all().item<bool>())
          << "R29";
      for (const auto& [side, grad] : {std::pair{"_grad_a", a.grad()}, {"_grad_b", b.grad()}})
        EXPECT_TRUE(golden::near(grad.slice(0, 0, 55),
                                 vector[std::string(prefix) + name + side].slice(0, 0, 55),
                                 tolerance))
            << side;
    }
  }
}

TEST(IouVectors, ValuesAndGradients) {
  const golden::Vector vector("loss/iou");
  for (const auto& [prefix, dtype, tolerance] :
       {std::tuple{"f64/", torch::kFloat64, 1e-10}, std::tuple{"f32/", torch::kFloat32, 1e-5}}) {
    const auto b = vector["b_cxcywh"].to(dtype);
    for (const auto& [name, kind] : kOverlaps) {
      SCOPED_TRACE(std::string(prefix) + name);
      auto a = vector["a_cxcywh"].to(dtype).requires_grad_();
      const auto value = paired_iou_cxcywh(a, b, kind);
      const auto expected = vector[std::string(prefix) + name];
      const auto defined = expected.isfinite().nonzero().select(1, 0);
      EXPECT_TRUE(golden::near(value.index_select(0, defined), expected.index_select(0, defined),
                               tolerance));
      EXPECT_TRUE(value.isfinite().all().item<bool>());
      if (kind == IouKind::kCiou)
        EXPECT_TRUE(golden::near(value.slice(0, 55, 58), torch::ones({3}), 1e-5))
            << "Q49: identical boxes give 1";
      (1 - value.slice(0, 0, 50)).sum().backward();
      EXPECT_TRUE(golden::near(a.grad().slice(0, 0, 50),
                               vector[std::string(prefix) + name + "_grad_a"].slice(0, 0, 50),
                               tolerance));
    }
    const auto a_xyxy = cxcywh_to_xyxy(vector["a_cxcywh"].to(dtype)), b_xyxy = cxcywh_to_xyxy(b);
    EXPECT_TRUE(golden::near(paired_iou_xyxy(a_xyxy, b_xyxy, IouKind::kGiou),
                             vector[std::string(prefix) + "giou_corners"], tolerance));
    EXPECT_TRUE(golden::near(pairwise_iou(a_xyxy.slice(0, 0, 50), b_xyxy.slice(0, 0, 40)),
                             vector[std::string(prefix) + "pairwise"], tolerance));
    EXPECT_TRUE(golden::near(size_iou(vector["a_cxcywh"].to(dtype).slice(0, 0, 20).slice(1, 2, 4),
                                      b.slice(0, 0, 30).slice(1, 2, 4)),
                             vector[std::string(prefix) + "wh_iou"], tolerance));
  }
}

TEST(ElementLosses, FocalAndBlurred) {
  const golden::Vector vector("loss/element_losses");
  struct Case {
    const char* name;
    BceOptions options;
  };
  const Case cases[] = {{"focal_g0.5_a0.4_pw1.3", {1.3, 0.5, 0.4}},
                        {"focal_g1.5_a0.25_pw1", {1, 1.5, 0.25}},
                        {"focal_g2_a0.25_pw1", {1, 2, 0.25}}};
  for (const auto& [prefix, dtype, tolerance] :
       {std::tuple{"f64/", torch::kFloat64, 1e-10}, std::tuple{"f32/", torch::kFloat32, 1e-5}}) {
    const auto logits = vector["logits"].to(dtype), targets = vector["targets"].to(dtype);
    for (const Case& c : cases) {
      const auto loss = elementwise_cross_entropy(logits, targets, c.options);
      EXPECT_TRUE(golden::near(loss, vector[std::string(prefix) + c.name + "_none"], tolerance))
          << c.name;
      EXPECT_TRUE(golden::near(loss.mean().reshape({1}),
                               vector[std::string(prefix) + c.name + "_mean"], tolerance))
          << c.name;
      EXPECT_TRUE(golden::near(loss.sum().reshape({1}),
                               vector[std::string(prefix) + c.name + "_sum"], tolerance))
          << c.name;
    }
    EXPECT_TRUE(golden::near(blurred_cross_entropy(logits, targets).reshape({1}),
                             vector[std::string(prefix) + "blur"], tolerance));
  }
}

}  // namespace
}  // namespace gannet
