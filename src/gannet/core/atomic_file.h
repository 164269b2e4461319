// Files that are complete or absent at any moment: written beside the target, flushed, renamed.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace gannet {

/// Receives consecutive pieces of the file.
using WriteBytes = std::function<void(const void* data, std::size_t size)>;

/// Calls `produce` with a writer for a temporary file beside `path`, then flushes it to the disk,
/// renames it over `path` and flushes the folder. On any failure the old file stays whole, the
/// temporary one is removed and an Error (kIo) or the producer's exception is thrown.
void write_file_atomically(const std::filesystem::path& path,
                           const std::function<void(const WriteBytes&)>& produce);
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

/// Makes `target` another name of the complete file `existing`, in one step. @return false where
/// the file system has no such links; `target` is then as it was
bool replace_by_link(const std::filesystem::path& existing, const std::filesystem::path& target);

/// Removes what writers that were killed left beside their targets in a folder; files that a living
/// process writes stay.
void remove_abandoned_files(const std::filesystem::path& folder);

/// Throws Error (kIo) for the last call that failed on `path`: what `errno` says.
/// @param action what could not be done, for example "read"
[[noreturn]] void throw_io_error(const std::filesystem::path& path, const char* action);

/// Whole file as bytes; throws Error (kIo) naming the file.
std::string read_file(const std::filesystem::path& path);

}  // namespace gannet
