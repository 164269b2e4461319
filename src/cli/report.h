// Printing of evaluation results, shared by `train` and `val`.
#pragma once

#include "gannet/eval/evaluate.h"

namespace gannet::cli {

/// The table of RB 7.4 to stdout. @param per_class also a row for each class
void print_report(const EvalReport& report, bool per_class);

}  // namespace gannet::cli
