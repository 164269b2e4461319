# Third-party libraries. LibTorch comes from the LIBTORCH cache or environment variable, else from
# the project's .venv (made by tools/setup.sh), which only supplies headers and libraries.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(pugixml REQUIRED)
find_package(ZLIB REQUIRED)
find_package(JPEG REQUIRED)  # libjpeg-turbo
find_package(Freetype REQUIRED)
find_package(CURL 7.88 REQUIRED)  # older ones sign uploads to S3 wrongly
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(PkgConfig REQUIRED)
pkg_check_modules(HTTPLIB REQUIRED cpp-httplib)
set(opencv_modules core imgproc imgcodecs dnn)
if(GANNET_WITH_VIDEO)
  list(APPEND opencv_modules videoio)
endif()
if(GANNET_WITH_WINDOWS AND NOT GANNET_BASE_ONLY)
  find_package(OpenCV REQUIRED COMPONENTS highgui)
  set(OpenCV_LIBS)  # for the program alone: windows bring their toolkit along
endif()
find_package(OpenCV REQUIRED COMPONENTS ${opencv_modules})
find_package(Protobuf REQUIRED)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # A precompiled header and ccache agree only with these settings.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE_PROGRAM})
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endif()

if(NOT GANNET_BASE_ONLY)
  find_package(CLI11 REQUIRED)
  set(LIBTORCH "$ENV{LIBTORCH}" CACHE PATH "LibTorch to use instead of the one in .venv")
  if(LIBTORCH)
    set(torch_root ${LIBTORCH})
  else()
    file(GLOB torch_root ${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch)
  endif()
  if(NOT torch_root)
    message(FATAL_ERROR "No LibTorch: run 'make setup' or set LIBTORCH=/path/to/libtorch")
  endif()
  if(EXISTS ${torch_root}/lib/libtorch_cuda.so)
    include(cmake/cuda_libtorch.cmake)
  else()
    list(APPEND CMAKE_PREFIX_PATH ${torch_root})
    find_package(Torch REQUIRED)
  endif()
  message(STATUS "LibTorch ${Torch_VERSION} from ${torch_root}")

  # Headers as system headers; the libraries apart, so that compiling never waits for linking.
  add_library(gannet_torch INTERFACE)
  target_include_directories(gannet_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
  separate_arguments(torch_flags UNIX_COMMAND "${TORCH_CXX_FLAGS}")
  target_compile_options(gannet_torch INTERFACE ${torch_flags})
  target_compile_definitions(gannet_torch INTERFACE USE_C10D_GLOO USE_DISTRIBUTED
    FMT_HEADER_ONLY)  # the wheel ships headers of its own fmt, without the library
  target_compile_definitions(gannet_torch INTERFACE ${torch_definitions})
  add_library(gannet_torch_libraries INTERFACE)
  target_link_libraries(gannet_torch_libraries INTERFACE ${TORCH_LIBRARIES})
  target_link_libraries(gannet_torch INTERFACE gannet_torch_libraries)
endif()
