#!/usr/bin/env bash
# Every source is formatted as .clang-format says. Usage: check_format.sh CLANG_FORMAT SOURCE_TREE
cd "$2" || exit 1
[[ -x $1 ]] || { echo "SKIPPED: no clang-format-14"; exit 77; }
find src tests bench examples fuzz \( -name '*.h' -o -name '*.cpp' \) -print0 | xargs -0 "$1" --dry-run -Werror
