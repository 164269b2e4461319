// Which run goes on, and with what other settings: plain, for those who call the trainer.
#pragma once

#include <map>
#include <string>

namespace gannet {

/// Which run goes on, and what changes.
struct ResumeOptions {
  std::string checkpoint;  // empty: the newest last.pt below `project`
  std::string project;
  std::map<std::string, std::string>
      overrides;   // settings that are asked for: "train.epochs" to "50"
  int extend = 0;  // epochs more for a run that is finished; 0: it must not be
};

}  // namespace gannet
