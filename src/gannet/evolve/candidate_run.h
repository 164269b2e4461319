// One candidate's training: a run of Trainer that is watched for a stop, for hopelessness and for
// a claim that is lost.
#pragma once

#include <optional>

#include "gannet/evolve/candidate.h"
#include "gannet/evolve/claim.h"
#include "gannet/evolve/evolve.h"
#include "gannet/evolve/study.h"

namespace gannet {

/// Trains the claimed candidate to its end, from where an earlier process left it.
/// @return none where another process has taken it over
/// Throws Error as Trainer::run, but for a loss that is not finite; kInterrupted when asked to
/// stop, the claim is given back then.
std::optional<CandidateResult> train_candidate(Study& study, int number, Claim& claim,
                                               const EvolveEvents& events);

}  // namespace gannet
