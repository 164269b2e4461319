// Files that several processes and machines share through a folder, as network file systems allow
// it: no locks, only files that appear whole or not at all, and who was first.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace gannet {

/// Which process this is: "MACHINE:BOOT:PID-SPACE:PID:START". No other one, on any machine, has the
/// same.
std::string this_process();

/// Whether the process of this name is known to have ended. Only of this machine (and container)
/// that can be known; false for all others.
bool is_known_dead(const std::string& process);

/// A short name for temporary files that no other process on any machine uses.
std::string unique_suffix();

/// Replaces the file as a whole, also while other machines do the same. Throws Error (kIo).
void replace_shared_file(const std::filesystem::path& path, std::string_view content);

/// Makes the file with this content unless there is one of its name: of several callers exactly one
/// does. @return whether this call made it   Throws Error (kIo).
bool create_shared_file(const std::filesystem::path& path, std::string_view content);

/// Marks the file as changed now, by the clock of the machine that keeps the folder. @return
/// whether there is such a file
bool touch_shared_file(const std::filesystem::path& path);

/// Seconds since the file was changed, both by the clock of the machine that keeps the folder;
/// negative where there is no such file. Throws Error (kIo) where the folder cannot be written.
double age_of_shared_file(const std::filesystem::path& path);

}  // namespace gannet
