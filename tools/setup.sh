#!/usr/bin/env bash
# Gets what building gannet needs: compiler and libraries by apt, LibTorch in .venv by pip.
# Does only what is missing, so calling it again costs nothing. LIBTORCH=/path takes another LibTorch
# (a CUDA build, say); then no .venv is made. `tools/setup.sh tests` gets what only tests need as well:
# iproute2 for networks of their own, curl, a screen in memory (xvfb), a browser, and clang, whose version 14
# decides format, lint and fuzzing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(build-essential cmake ninja-build ccache pkg-config git python3-venv libopencv-dev
  libyaml-cpp-dev libpugixml-dev libcli11-dev libfmt-dev libspdlog-dev nlohmann-json3-dev zlib1g-dev libjpeg-dev
  libfreetype-dev libprotobuf-dev protobuf-compiler libcurl4-openssl-dev libssl-dev libcpp-httplib-dev libgtest-dev
  libgmock-dev libbenchmark-dev libgloo-dev)
test_packages=(iproute2 procps curl xvfb xdotool chromium clang-14 clang-tidy-14 clang-format-14 libclang-rt-14-dev)
# numpy: only for the tests that open our checkpoints with Python's torch.load.
wheels=(torch==2.13.0 numpy)
# Only for the tests that run exported files, read event files in Python, and tell an MLflow server of runs.
test_wheels=(onnx onnxruntime tensorboard mlflow)
# The plain wheels of PyPI are CUDA builds, which CMake refuses where no CUDA toolkit is installed.
cpu_wheels=https://download.pytorch.org/whl/cpu

missing_packages() { # of those named
  local installed
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
  for package in "$@"; do
    grep -qx "installed $package" <<<"$installed" || echo "$package"
  done
}

install_packages() {
  local as_root=() apt=(apt-get -y -o Acquire::Retries=3 -o DPkg::Lock::Timeout=120)
  if [[ $EUID -ne 0 ]]; then
    command -v sudo >/dev/null || return 1
    as_root=(sudo)
  fi
  echo "setup: installing $*"
  "${as_root[@]}" "${apt[@]}" update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "${apt[@]}" install --no-install-recommends "$@"
}

if command -v dpkg-query >/dev/null; then
  mapfile -t missing < <(missing_packages "${packages[@]}")
  if [[ ${#missing[@]} -gt 0 ]] && ! install_packages "${missing[@]}"; then
    echo "setup: could not install what is missing; please run
  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  missing=()
  [[ ${1:-} == tests ]] && mapfile -t missing < <(missing_packages "${test_packages[@]}")
  if [[ ${#missing[@]} -gt 0 ]] && ! install_packages "${missing[@]}"; then
    echo "setup: could not install ${missing[*]}: tests that need them are skipped" >&2
  fi
else
  echo "setup: no apt here; needed are the equivalents of: ${packages[*]}" >&2
fi

if [[ -n ${LIBTORCH:-} ]]; then
  [[ -d $LIBTORCH/share/cmake/Torch ]] && exit 0
  echo "setup: LIBTORCH=$LIBTORCH holds no share/cmake/Torch; give the folder of a LibTorch" >&2
  exit 1
fi

get_wheels() { # stamp, wheels...: nothing is done where the stamp names them
  local stamp=.venv/$1; shift
  [[ -f $stamp && $(<"$stamp") == "$*" ]] && return 0
  .venv/bin/python -m pip --version &>/dev/null || python3 -m venv --clear .venv
  .venv/bin/python -m pip install --disable-pip-version-check --retries 2 --extra-index-url "$cpu_wheels" "$@" &&
    echo "$*" >"$stamp"
}
get_wheels gannet-setup "${wheels[@]}"
if [[ ${1:-} == tests ]] && ! get_wheels gannet-setup-tests "${test_wheels[@]}"; then
  echo "setup: could not install ${test_wheels[*]}: tests that need them are skipped" >&2
fi
