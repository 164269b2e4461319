// What the ranks of a run need before and around their collectives: a device each, the certainty
// that they run the same thing, and to end together.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace gannet {

class Communicator;

/// The device of this rank: with several GPUs, the one of its position on the machine.
/// @param device as of the settings; a list ("0,2") names one for each local rank
/// Throws Error (kUsage) for a list that is too short.
std::string device_of_rank(const std::string& device, const Communicator& comm);
/// Whether a list names one device twice ("0,0"): NCCL cannot serve such ranks.
bool ranks_share_a_device(const std::string& device);

/// Every row becomes its sum over all ranks, in one collective. Rows are as long on every rank.
void sum_in_one(const std::string& name, const std::vector<std::vector<double>*>& rows,
                Communicator& comm);

/// Throws Error (kDistributed) on every rank, naming the first line in which a rank's text differs
/// from that of rank 0.
void require_equal_lines(const std::string& lines, Communicator& comm);

/// Runs `work`. What it throws ends this rank: the others are told why, unless they know, and it is
/// thrown on.
void fail_together(Communicator& comm, const std::function<void()>& work);

}  // namespace gannet
