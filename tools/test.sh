#!/usr/bin/env bash
# Runs every test: the whole program (preset dev), the part without LibTorch under address and undefined
# behaviour sanitizers with the fuzz targets' corpus (asan; base_tests are built there only), and clang-tidy (lint).
# Its last line sums up.
# GANNET_NO_SKIPS=1: a skipped test fails, unless tests/allowed_skips.txt has it or the machine forbids it.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The verdicts in CTest's report of a preset, "run NAME", "fail NAME", "notrun NAME": those of its own tests, and for
# each program of GoogleTest those in the program's report.
verdicts() {
  local tests report program
  tests=$(sed -n 's/.*<testcase name="\([^"]*\)".* status="\([a-z]*\)".*/\2 \1/p' "build/$1/tests.xml")
  for report in "build/$1"/tests/reports/*.xml; do
    [[ -f $report ]] || continue
    program=$(basename "$report" .xml)
    grep -q "^fail $program$" <<<"$tests" && ! grep -q '<failure' "$report" && continue  # it crashed
    tests=$(grep -v " $program$" <<<"$tests")
    awk 'function tell() { if (name != "") print verdict, name }
      /<testcase / { tell(); verdict = /result="skipped"/ ? "notrun" : /status="notrun"/ ? "disabled" : "run"
        match($0, / name="[^"]*"/); name = substr($0, RSTART + 7, RLENGTH - 8)
        match($0, / classname="[^"]*"/); name = substr($0, RSTART + 12, RLENGTH - 13) "." name }
      /<failure/ { verdict = "fail" }
      END { tell() }' "$report"
  done
  echo "$tests"
}

failed_presets=() cases='' skipped=''
for preset in dev asan lint; do
  echo "--- $preset"
  if [[ $preset == lint ]] && ! { command -v clang-tidy-14 && command -v clang++-14; } >/dev/null; then
    skipped+=$'lint\n'
    continue
  fi
  rm -rf "build/$preset/tests.xml" "build/$preset/tests/reports"
  base_tests=ON
  [[ $preset == dev ]] && base_tests=OFF
  cmake --preset "$preset" -DLIBTORCH="${LIBTORCH:-}" -DGANNET_BASE_TESTS=$base_tests || exit 1
  [[ $preset == lint ]] || cmake --build --preset "$preset" || exit 1
  jobs=1  # tests of several threads and processes disturb each other
  [[ $preset == lint ]] && jobs=$(nproc)
  ctest --preset "$preset" -j "$jobs" --output-junit tests.xml || failed_presets+=("$preset")
  cases+=$(verdicts "$preset")$'\n'
done

count() { grep -c "^$1 " <<<"$cases"; }
skipped+=$(sed -nE 's/^(notrun|disabled) //p' <<<"$cases")
skipped=${skipped%$'\n'}
failures=$(count fail)
if [[ -n $skipped ]]; then
  echo "Skipped ($(grep -c . <<<"$skipped")):"
  sed 's/^/  /' <<<"$skipped"
fi
if [[ -n ${GANNET_NO_SKIPS:-} ]]; then
  allowed=$(grep -v '^#' tests/allowed_skips.txt)
  # What the machine forbids no test can have: some containers may make no networks or mounts.
  unshare --net --mount ip link add veth-a type veth peer name veth-b 2>/dev/null ||
    allowed+=$'\n^integration\\.two_machines$'
  unshare --mount mount -t tmpfs tmpfs /mnt 2>/dev/null || allowed+=$'\n^integration\\.full_disk$'
  refused=$(grep -vE "$allowed" <<<"$skipped" | grep -c .)
  [[ $refused == 0 ]] || echo "$refused skipped tests could have run here: they count as failed"
  failures=$((failures + refused))
fi
echo "$(count run) passed, $failures failed"
[[ $failures == 0 && ${#failed_presets[@]} == 0 ]]
