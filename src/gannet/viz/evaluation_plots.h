// The pictures of an evaluation (release-7.0 names in brackets): curves, confusions, studies.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace gannet {

/// One curve per class over common x; values that are not finite leave gaps.
struct PlottedCurves {
  std::vector<std::string> names;              // one for each curve
  std::vector<double> x;                       // ascending, 0..1: recall, or confidence
  std::vector<std::vector<double>> per_class;  // as long as x
};

/// Precision over recall [PR_curve.png]: a thin line for each class, named with its AP in a legend
/// if there are at most 20, and the bold mean "all classes 0.534 mAP@0.5". Works without classes.
/// @param ap50 one for each class   Throws Error (kIo).
void plot_precision_recall(const PlottedCurves& curves, const std::vector<double>& ap50,
                           const std::filesystem::path& path);

/// A figure over confidence [F1_curve.png, P_curve.png, R_curve.png]: the same, with the mean
/// smoothed over a twentieth of its points and its best value "all classes 0.66 at 0.402".
/// @param figure title of the y axis, "F1" for example   Throws Error (kIo).
void plot_over_confidence(const PlottedCurves& curves, const std::string& figure,
                          const std::filesystem::path& path);

/// Detections and labels by class: counts row by row, (C + 1) x (C + 1). Rows are the predicted
/// class, columns the true one; the last of both is the background.
struct ConfusionCounts {
  std::vector<std::string> names;  // C of them, without the background
  std::vector<double> counts;
};

/// Every column divided by its sum [confusion_matrix.png]; shares below 0.005 stay blank, numbers
/// are written for up to 30 classes. Throws Error (kIo).
void plot_confusion_matrix(const ConfusionCounts& confusion, const std::filesystem::path& path);

/// A model evaluated at several image sizes.
struct StudyCurve {
  std::string name;
  std::vector<int> image_sizes;
  std::vector<double> ms_per_image, map;  // as long
};

/// mAP over time per image, with the image size at every point [study.png]. Throws Error (kIo).
void plot_study(const std::vector<StudyCurve>& studies, const std::filesystem::path& path);

/// Mean of a window of about twice `fraction` of the values around each; ends count as repeated.
/// No values give none.
std::vector<double> box_smoothed(const std::vector<double>& values, double fraction);

}  // namespace gannet
