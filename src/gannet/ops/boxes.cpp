#include "gannet/ops/boxes.h"

#include <torch/types.h>

#include <cmath>
#include <numbers>
#include <tuple>

namespace gannet {
namespace {

struct Corners {
  torch::Tensor x1, y1, x2, y2;
};

Corners corners_of_cxcywh(const torch::Tensor& box) {
  const auto half_w = box.select(-1, 2) / 2, half_h = box.select(-1, 3) / 2;
  const auto cx = box.select(-1, 0), cy = box.select(-1, 1);
  return {cx - half_w, cy - half_h, cx + half_w, cy + half_h};
}

Corners corners_of_xyxy(const torch::Tensor& box) {
  return {box.select(-1, 0), box.select(-1, 1), box.select(-1, 2), box.select(-1, 3)};
}

torch::Tensor paired_iou(const Corners& a, const Corners& b, IouKind kind, double epsilon) {
  const auto inter = (torch::min(a.x2, b.x2) - torch::max(a.x1, b.x1)).clamp_min(0) *
                     (torch::min(a.y2, b.y2) - torch::max(a.y1, b.y1)).clamp_min(0);
  const auto w1 = a.x2 - a.x1, h1 = a.y2 - a.y1, w2 = b.x2 - b.x1, h2 = b.y2 - b.y1;
  const auto union_area = (w1 * h1 + epsilon) + w2 * h2 - inter;
  const auto iou = inter / union_area;
  if (kind == IouKind::kIou) return iou;

  const auto enclosing_w = torch::max(a.x2, b.x2) - torch::min(a.x1, b.x1);
  const auto enclosing_h = torch::max(a.y2, b.y2) - torch::min(a.y1, b.y1);
  if (kind == IouKind::kGiou) {
    const auto enclosing = enclosing_w * enclosing_h + epsilon;
    return iou - (enclosing - union_area) / enclosing;
  }
  const auto diagonal2 = enclosing_w.square() + enclosing_h.square() + epsilon;
  const auto distance2 =
      ((b.x1 + b.x2) - (a.x1 + a.x2)).square() / 4 + ((b.y1 + b.y2) - (a.y1 + a.y2)).square() / 4;
  const auto diou = iou - distance2 / diagonal2;
  if (kind == IouKind::kDiou) return diou;

  const auto v =
      (4 / (std::numbers::pi * std::numbers::pi)) *
      (torch::atan(w2 / (h2 + kIouEpsilon)) - torch::atan(w1 / (h1 + kIouEpsilon))).square();
  const auto alpha = (v / (1 - iou + v + epsilon)).detach();
  return diou - v * alpha;
}

}  // namespace

torch::Tensor cxcywh_to_xyxy(const torch::Tensor& boxes_cxcywh) {
  const Corners c = corners_of_cxcywh(boxes_cxcywh);
  return torch::stack({c.x1, c.y1, c.x2, c.y2}, -1);
}

torch::Tensor xyxy_to_cxcywh(const torch::Tensor& boxes_xyxy) {
  const Corners c = corners_of_xyxy(boxes_xyxy);
  return torch::stack({(c.x1 + c.x2) / 2, (c.y1 + c.y2) / 2, c.x2 - c.x1, c.y2 - c.y1}, -1);
}

torch::Tensor paired_iou_xyxy(const torch::Tensor& a_xyxy, const torch::Tensor& b_xyxy,
                              IouKind kind, double epsilon) {
  return paired_iou(corners_of_xyxy(a_xyxy), corners_of_xyxy(b_xyxy), kind, epsilon);
}

torch::Tensor paired_iou_cxcywh(const torch::Tensor& a_cxcywh, const torch::Tensor& b_cxcywh,
                                IouKind kind, double epsilon) {
  return paired_iou(corners_of_cxcywh(a_cxcywh), corners_of_cxcywh(b_cxcywh), kind, epsilon);
}

torch::Tensor pairwise_iou(const torch::Tensor& a_xyxy, const torch::Tensor& b_xyxy) {
  const auto a = a_xyxy.unsqueeze(1), b = b_xyxy.unsqueeze(0);
  const auto size = (torch::min(a.slice(-1, 2, 4), b.slice(-1, 2, 4)) -
                     torch::max(a.slice(-1, 0, 2), b.slice(-1, 0, 2)))
                        .clamp_min(0);
  const auto inter = size.prod(-1);
  const auto area_a = (a.slice(-1, 2, 4) - a.slice(-1, 0, 2)).prod(-1);
  const auto area_b = (b.slice(-1, 2, 4) - b.slice(-1, 0, 2)).prod(-1);
  const auto total = area_a + area_b - inter;
  return torch::where(total > 0, inter / total, torch::zeros_like(total));
}

torch::Tensor size_iou(const torch::Tensor& a_wh, const torch::Tensor& b_wh) {
  const auto a = a_wh.unsqueeze(1), b = b_wh.unsqueeze(0);
  const auto inter = torch::min(a, b).prod(-1);
  return inter / (a.prod(-1) + b.prod(-1) - inter);
}

}  // namespace gannet
