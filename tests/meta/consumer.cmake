# Installs the build into an empty folder, builds the outside project against it and runs all
# programs. Needs BUILD_DIR, SOURCE_DIR, WORK_DIR and CXX.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "failed (${status}): ${ARGN}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK_DIR})
run(${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${WORK_DIR}/prefix)
run(${CMAKE_COMMAND} -S ${SOURCE_DIR} -B ${WORK_DIR}/build -G Ninja -DCMAKE_BUILD_TYPE=Release
  -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix)
run(${CMAKE_COMMAND} --build ${WORK_DIR}/build)
run(${WORK_DIR}/build/consumer)
run(${WORK_DIR}/build/c_consumer)
run(${WORK_DIR}/prefix/bin/gannet --version)
if(NOT EXISTS ${WORK_DIR}/prefix/share/gannet/configs/models/yolov5s.yaml)
  message(FATAL_ERROR "the model files were not installed")
endif()

# The shared library shows the C API and nothing else, or its LibTorch would meet that of its user.
file(GLOB_RECURSE shared ${WORK_DIR}/prefix/libgannet.so)
execute_process(COMMAND nm --dynamic --defined-only --format=posix ${shared} OUTPUT_VARIABLE symbols
  COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" symbols "${symbols}")
list(FILTER symbols EXCLUDE REGEX "^gannet_[a-z_]+ T")
if(symbols OR NOT shared)
  message(FATAL_ERROR "libgannet.so shows more than the C API: ${symbols}")
endif()
