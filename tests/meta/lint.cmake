# clang-tidy over each source of the part without LibTorch and each fuzz target (.clang-tidy lists the
# checks); a header is looked at with every source that includes it.
find_program(CLANG_TIDY clang-tidy-14 REQUIRED)
set(shorter_paths)  # through long functions: a fifth of what is usual, in half the time
foreach(argument IN ITEMS -analyzer-config max-nodes=40000)
  list(APPEND shorter_paths --extra-arg=-Xclang --extra-arg=${argument})
endforeach()
file(GLOB fuzz_sources ${PROJECT_SOURCE_DIR}/fuzz/*_fuzz.cpp)
get_target_property(sources gannet_base SOURCES)
list(FILTER sources EXCLUDE REGEX "\\.pb\\.cc$")  # made by protoc
foreach(source IN LISTS sources fuzz_sources)
  file(RELATIVE_PATH name ${PROJECT_SOURCE_DIR} ${source})
  add_test(NAME lint.${name} COMMAND ${CLANG_TIDY} --quiet -p ${PROJECT_BINARY_DIR} ${shorter_paths} ${source})
  set_tests_properties(lint.${name} PROPERTIES LABELS lint TIMEOUT 600)
endforeach()
