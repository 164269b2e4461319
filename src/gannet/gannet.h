// The supported interface of the library: train, search, evaluate, detect, export, serve, describe,
// make demo data. No third-party type is behind it.
#pragma once

#include "gannet/config/data_description.h"     // IWYU pragma: export
#include "gannet/config/settings.h"             // IWYU pragma: export
#include "gannet/core/box.h"                    // IWYU pragma: export
#include "gannet/core/error.h"                  // IWYU pragma: export
#include "gannet/core/image_view.h"             // IWYU pragma: export
#include "gannet/curate/check/dataset_check.h"  // IWYU pragma: export
#include "gannet/curate/check/fix.h"            // IWYU pragma: export
#include "gannet/curate/check/report.h"         // IWYU pragma: export
#include "gannet/curate/demo/demo.h"            // IWYU pragma: export
#include "gannet/detect/detect_files.h"         // IWYU pragma: export
#include "gannet/detect/detector.h"             // IWYU pragma: export
#include "gannet/eval/evaluate.h"               // IWYU pragma: export
#include "gannet/evolve/evolve.h"               // IWYU pragma: export
#include "gannet/export/export_model.h"         // IWYU pragma: export
#include "gannet/nn/info.h"                     // IWYU pragma: export
#include "gannet/observe/console.h"             // IWYU pragma: export
#include "gannet/observe/events.h"              // IWYU pragma: export
#include "gannet/observe/run_figures.h"         // IWYU pragma: export
#include "gannet/observe/told_programs.h"       // IWYU pragma: export
#include "gannet/serve/server.h"                // IWYU pragma: export
#include "gannet/train/trainer.h"               // IWYU pragma: export
#include "gannet/viz/plots.h"                   // IWYU pragma: export
