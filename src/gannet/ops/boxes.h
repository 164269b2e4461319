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

/// IoU of paired boxes, differentiable. Zero overlap gives 0 (GIoU, DIoU, CIoU go below).
/// @param a_xyxy, b_xyxy (N, 4) in one frame   @return (N)
/// Sources: Rezatofighi et al. 2019 (GIoU); Zheng et al. 2020 (DIoU, CIoU; Q49 corrected).
torch::Tensor paired_iou_xyxy(const torch::Tensor& a_xyxy, const torch::Tensor& b_xyxy,
                              IouKind kind);
/// The same for centre and size; shapes enter CIoU as given.
torch::Tensor paired_iou_cxcywh(const torch::Tensor& a_cxcywh, const torch::Tensor& b_cxcywh,
                                IouKind kind);

/// Pairwise IoU of corner boxes in one frame.
/// @param a_xyxy (M, 4)   @param b_xyxy (N, 4)   @return (M, N) in [0, 1]
torch::Tensor pairwise_iou(const torch::Tensor& a_xyxy, const torch::Tensor& b_xyxy);

/// Pairwise IoU of sizes that share a corner.
/// @param a_wh (M, 2)   @param b_wh (N, 2)   @return (M, N)
torch::Tensor size_iou(const torch::Tensor& a_wh, const torch::Tensor& b_wh);

}  // namespace gannet
