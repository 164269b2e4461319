#!/usr/bin/env bash
# Builds gannet against the CUDA LibTorch of PyPI and packs what the check of a GPU machine needs, which
# may have neither apt nor network: programs, libraries of this system, a small data set. The vectors
# are in the source tree, which must travel too. Then, on the machine with the GPU and in that tree:
#   tools/gpu/check.sh
# Usage: tools/gpu/pack.sh [DATA_YAML]; the first images of that data set go along (else only the demo
# set, which the program makes itself). Everything is below build/gpu; the pack is build/gpu/pack.tar.xz.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source=$PWD work=$PWD/build/gpu data=${1:-}
train_images=120 val_images=40
torch=2.11.0
# LibTorch, and the headers that its own headers include.
wheels=(torch==$torch nvidia-cuda-runtime==13.0.96 nvidia-cuda-crt==13.0.88 nvidia-cuda-cccl==13.0.85
  nvidia-nccl-cu13==2.28.9 nvidia-cublas==13.1.0.3 nvidia-cusparse==12.6.3.3 nvidia-cusolver==12.0.4.66)

started=$SECONDS
tools/setup.sh
libtorch=$work/libtorch
if [[ $(cat "$libtorch/stamp" 2>/dev/null) != "${wheels[*]}" ]]; then
  rm -rf "$libtorch" && mkdir -p "$libtorch" "$work/wheels"
  platforms=()
  for tag in 2_28 2_27 2_18 2_17; do platforms+=(--platform "manylinux_${tag}_x86_64"); done
  .venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --python-version 3.12 --implementation cp "${platforms[@]}" --platform manylinux2014_x86_64 \
    -d "$work/wheels" "${wheels[@]}"
  for wheel in "$work"/wheels/*.whl; do
    .venv/bin/python - "$wheel" "$libtorch" <<'PYTHON'
import sys, zipfile
wanted = ("/include/", "torch/lib/", "torch/share/")
with zipfile.ZipFile(sys.argv[1]) as wheel:
    nvidia_library = lambda name: name.startswith("nvidia/") and "/include/" not in name
    wheel.extractall(sys.argv[2], [n for n in wheel.namelist() if any(w in n for w in wanted) and not nvidia_library(n)])
PYTHON
  done
  rm -r "$work/wheels"
  echo "${wheels[*]}" >"$libtorch/stamp"
fi

# Tests are listed on the other machine: here the programs lack CUDA's libraries.
cmake -S . -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGANNET_BUILD_BENCH=ON -DGANNET_WITH_VIDEO=OFF \
  -DGANNET_WITH_WINDOWS=OFF -DCMAKE_GTEST_DISCOVER_TESTS_DISCOVERY_MODE=PRE_TEST -DLIBTORCH="$libtorch/torch" >/dev/null
cmake --build "$work/build" --target gannet_program torch_tests parity_tests gpu_step_bench bench_loader

pack=$work/pack
rm -rf "$pack" && mkdir -p "$pack/bin" "$pack/lib"
programs=(gannet tests/torch_tests tests/parity_tests bench/gpu_step_bench bench/bench_loader)
for program in "${programs[@]}"; do
  strip -o "$pack/bin/$(basename "$program")" "$work/build/$program"
done
# The system's libraries, but those that every machine has in its own version, and those of LibTorch. GDAL,
# which OpenCV wants for maps, brings more megabytes than all others: functions that do nothing stand in.
nm -D --undefined-only "$(ldconfig -p | awk '/libopencv_imgcodecs\.so\./ {print $NF; exit}')" |
  awk '/GDAL/ {print "void " $2 "(void) {}"}' |
  gcc -shared -fPIC -x c - -Wl,-soname,libgdal.so.32 -o "$pack/lib/libgdal.so.32"
for program in "$pack"/bin/*; do LD_LIBRARY_PATH=$pack/lib ldd "$program"; done |
  awk '$3 ~ /^\/(usr\/)?lib\// {print $3}' | sort -u |
  grep -Ev '/(libc|libm|libdl|librt|libpthread|libresolv|libstdc\+\+|libgcc_s|libgomp|libgdal)\.so|ld-linux' |
  while read -r library; do
    cp -L "$library" "$pack/lib/"
    strip --strip-unneeded "$pack/lib/$(basename "$library")"
  done

if [[ -n $data ]]; then
  .venv/bin/python - "$data" "$pack/data" $train_images $val_images <<'PYTHON'
import os, re, shutil, sys
yaml, target = sys.argv[1], sys.argv[2]
text, limits = open(yaml).read(), {"train": int(sys.argv[3]), "val": int(sys.argv[4])}
root = os.path.dirname(os.path.abspath(yaml))
for split, limit in limits.items():
    folder = os.path.join(root, re.search(rf"^{split}:\s*(\S+)", text, re.M).group(1))
    names = sorted(os.listdir(folder))[:limit]
    for kind in ("images", "labels"):
        os.makedirs(f"{target}/{kind}/{split}", exist_ok=True)
        for name in names:
            file = os.path.join(folder, name)
            if kind == "labels":
                file = os.path.splitext(file.replace("/images/", "/labels/"))[0] + ".txt"
            if os.path.exists(file):
                shutil.copy(file, f"{target}/{kind}/{split}")
    text = re.sub(rf"^{split}:.*$", f"{split}: images/{split}", text, flags=re.M)
open(f"{target}/data.yaml", "w").write(text)
PYTHON
fi
git rev-parse HEAD >"$pack/commit"
[[ -z $(git status --porcelain) ]] || echo "(with changes)" >>"$pack/commit"
echo "$source" >"$pack/source"
tar -C "$pack" -I 'xz -T0 -6' -cf "$work/pack.tar.xz" .
rm -rf "$pack"
echo "packed in $((SECONDS - started)) s: $work/pack.tar.xz, $(du -m "$work/pack.tar.xz" | cut -f1) MiB"
