# A LibTorch for CUDA, used without its own CMake package: that wants nvcc, and nothing here is compiled
# for GPUs. Headers of CUDA and NCCL come from the wheels beside LibTorch (nvidia-cuda-runtime and
# what ATen includes) or from an installed CUDA toolkit.
file(STRINGS ${torch_root}/include/torch/headeronly/version.h version_lines
  REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
string(REGEX REPLACE "[^0-9;]" "" version_lines "${version_lines}")
string(REPLACE ";" "." Torch_VERSION "${version_lines}")
file(GLOB cuda_wheels ${torch_root}/../nvidia/cu*/include)
find_path(CUDA_INCLUDE_DIR cuda_runtime_api.h HINTS ${cuda_wheels} $ENV{CUDA_HOME}/include /usr/local/cuda/include)
if(NOT CUDA_INCLUDE_DIR)
  message(FATAL_ERROR "LibTorch in ${torch_root} is for CUDA, but there is no cuda_runtime_api.h: "
    "install the CUDA toolkit, or set CUDA_HOME")
endif()
set(TORCH_INCLUDE_DIRS ${torch_root}/include ${torch_root}/include/torch/csrc/api/include ${CUDA_INCLUDE_DIR})
# torch_cuda registers its kernels when it is loaded: no symbol of it is called directly.
set(TORCH_LIBRARIES -L${torch_root}/lib -Wl,-rpath,${torch_root}/lib
  -Wl,--no-as-needed -ltorch_cuda -ltorch_cpu -lc10_cuda -lc10 -ltorch -Wl,--as-needed -Wl,--allow-shlib-undefined)
set(torch_definitions GANNET_WITH_CUDA)
find_path(NCCL_INCLUDE_DIR nccl.h HINTS ${torch_root}/../nvidia/nccl/include $ENV{NCCL_HOME}/include)
if(NCCL_INCLUDE_DIR)
  list(APPEND TORCH_INCLUDE_DIRS ${NCCL_INCLUDE_DIR})
  list(APPEND torch_definitions USE_C10D_NCCL GANNET_WITH_NCCL)
else()
  message(WARNING "No nccl.h (package libnccl-dev): several processes will train on CPUs only")
endif()
