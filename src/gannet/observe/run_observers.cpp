#include "gannet/observe/run_observers.h"

#include <memory>
#include <utility>

#include "gannet/net/upload.h"
#include "gannet/observe/background.h"
#include "gannet/observe/bucket_upload.h"
#include "gannet/observe/plot_files.h"
#include "gannet/observe/results_file.h"
#include "gannet/observe/tensorboard.h"

namespace gannet {

void add_run_observers(ObserverList& list, const RunObserverOptions& options) {
  auto files = std::make_unique<BackgroundObserver>();
  files->add(std::make_unique<ResultsFileObserver>(options.directory, options.history));
  files->add(std::make_unique<PlotsObserver>(options.directory, options.history));
  files->add(std::make_unique<TensorBoardObserver>(options.directory));  // it shows their pictures
  list.add(std::move(files));
  if (options.bucket.empty()) return;
  list.add(std::make_unique<UploadObserver>(  // after those whose files it uploads
      make_uploader(options.bucket), UploadWait{.ended = options.ended}));
}

}  // namespace gannet
