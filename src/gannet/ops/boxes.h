// Box maths on tensors: frames and the IoU family (RB 5.2, 7.3).
#pragma once

#include <torch/types.h>

namespace gannet {

/// (..., 4) centre and size to corners, same unit.
torch::Tensor cxcywh_to_xyxy(const torch::Tensor& boxes_cxcywh);
/// (..., 4) corners to centre and size, same unit.
torch::Tensor xyxy_to_cxcywh(const torch::Tensor& boxes_xyxy);

/// Plain, generalised, with centre distance, with shape as well.
enum class IouKind { kIou, kGiou, kDiou, kCiou };

/// What keeps divisions finite: July 2020's, and that of release 7.0 (release-7.md 5.2), which is
/// large enough to show in the tenth digit.
inline constexpr double kIouEpsilon = 1e-16, kIouEpsilon7 = 1e-7;

/// IoU of paired boxes, differentiable. Zero overlap gives 0 (GIoU, DIoU, CIoU go below).
/// @param a_xyxy, b_xyxy (N, 4) in one frame   @return (N)
/// Sources: Rezatofighi et al. 2019 (GIoU); Zheng et al. 2020 (DIoU, CIoU; Q49 corrected).
torch::Tensor paired_iou_xyxy(const torch::Tensor& a_xyxy, const torch::Tensor& b_xyxy,
                              IouKind kind, double epsilon = kIouEpsilon);
/// The same for centre and size; shapes enter CIoU as given. A box without height gives no NaN
/// (R29).
torch::Tensor paired_iou_cxcywh(const torch::Tensor& a_cxcywh, const torch::Tensor& b_cxcywh,
                                IouKind kind, double epsilon = kIouEpsilon);

/// Pairwise IoU of corner boxes in one frame.
/// @param a_xyxy (M, 4)   @param b_xyxy (N, 4)   @return (M, N) in [0, 1]
torch::Tensor pairwise_iou(const torch::Tensor& a_xyxy, const torch::Tensor& b_xyxy);

/// Pairwise IoU of sizes that share a corner.
/// @param a_wh (M, 2)   @param b_wh (N, 2)   @return (M, N)
torch::Tensor size_iou(const torch::Tensor& a_wh, const torch::Tensor& b_wh);

}  // namespace gannet
