// How much memory this process has used and may still use: shown on the console, and the bound of
// caches.
#pragma once

#include <cstdint>
#include <filesystem>

namespace gannet {

/// Largest resident size of this process so far, in GiB; 0 if the system does not tell.
double peak_memory_gib();

/// Bytes that this process may still take without swapping: the smaller of what the machine has
/// and what the control groups (versions 1 and 2) of the process leave it. Page cache that can be
/// dropped counts as free. 0 if the system does not tell.
/// @param root folder that holds `proc` and `sys`, for tests
std::uint64_t available_memory_bytes(const std::filesystem::path& root = "/");

/// What who plans with so many available bytes should leave to the rest of the machine: a fifth,
/// but at least 512 MiB.
std::uint64_t memory_reserve(std::uint64_t available);

/// Resident size of this process now; 0 if the system does not tell.
std::uint64_t resident_memory_bytes();

/// Gives memory that malloc keeps for later back to the system.
void give_back_freed_memory();

/// Keeps freed blocks of up to 32 MiB with the process instead of giving them back: the next image
/// takes them again, and new pages cost a quarter of its time. For programs, as it holds for all of
/// the process.
void keep_freed_memory();

}  // namespace gannet
