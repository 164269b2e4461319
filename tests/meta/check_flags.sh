#!/usr/bin/env bash
# Every `gannet ...` command in the code blocks of the documents uses flags that its --help knows.
# Usage: check_flags.sh PROGRAM DOCUMENT...
set -euo pipefail
program=$1
shift

# The commands, one a line: inside fences, continued lines joined, comments dropped.
commands=$(awk '
  FNR == 1 { fenced = 0 }
  /^```/ { fenced = !fenced; next }
  fenced { line = line $0 }
  fenced && sub(/\\$/, "", line) { next }
  fenced {
    gsub(/^[ $]+|#.*/, "", line)
    if (line ~ /^([^ ]*\/)?gannet [a-z]/) print line
    line = ""
  }
' "$@")

failed=0
while read -r _ command rest; do
  [[ -n ${command:-} ]] || continue
  [[ $command == data ]] && command="data ${rest%% *}"
  # shellcheck disable=SC2086  # "data demo" is two words
  if ! help=$("$program" $command --help 2>&1); then
    echo "gannet $command: no such command" && failed=1 && continue
  fi
  for flag in $(grep -oE -- '(^| )--[a-z][a-z_-]*' <<<"$rest" || true); do
    # A shortened flag is fine: any flag that begins with it.
    grep -qE -- "(^|[ ,])$flag" <<<"$help" || { echo "gannet $command has no $flag" && failed=1; }
  done
done <<<"$commands"
exit $failed
