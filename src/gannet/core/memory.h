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

/// Keeps freed blocks of up to 32 MiB with the process instead of giving them back: the next image
/// takes them again, and new pages cost a quarter of its time. For programs, as it holds for all of
/// the process.
void keep_freed_memory();

}  // namespace gannet
