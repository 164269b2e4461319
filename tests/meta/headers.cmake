# Every header compiles alone. Where a source of the same name includes it first, it does or the build fails
# (gannet_base has nothing precompiled, the part with torch cmake/torch_pch.h). For the others there is one source per
# header that includes nothing else, twice. Those that never reach torch compile without its include path. Those that do
# get <torch/types.h> precompiled: each of them includes it anyway, and reading it takes more than ten seconds.
file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/src
  ${PROJECT_SOURCE_DIR}/src/gannet/*.h)
set(plain_headers ${headers})
set(torch_headers)
set(reaching_torch "<(torch|ATen|c10)/")
set(reaching_more TRUE)
while(reaching_more)
  set(reaching_more FALSE)
  foreach(header IN LISTS plain_headers)
    file(STRINGS ${PROJECT_SOURCE_DIR}/src/${header} found REGEX "^#include (${reaching_torch})")
    if(found)
      list(REMOVE_ITEM plain_headers ${header})
      list(APPEND torch_headers ${header})
      string(APPEND reaching_torch "|\"${header}\"")
      set(reaching_more TRUE)
    endif()
  endforeach()
endwhile()

if(CMAKE_GENERATOR MATCHES Ninja)
  set(keep_going -- -k 0)  # a failure lists every header
endif()
# Leaves out headers that a source of the same name includes first.
function(without_own_source result)
  set(left)
  foreach(header IN LISTS ARGN)
    string(REGEX REPLACE "\\.h$" ".cpp" source ${PROJECT_SOURCE_DIR}/src/${header})
    set(first)
    if(EXISTS ${source})
      file(STRINGS ${source} first LIMIT_COUNT 1 REGEX "^#include ")
    endif()
    if(NOT first STREQUAL "#include \"${header}\"")
      list(APPEND left ${header})
    endif()
  endforeach()
  set(${result} ${left} PARENT_SCOPE)
endfunction()

function(gannet_header_test name)
  set(sources)
  foreach(header IN LISTS ARGN)
    string(REPLACE "/" "." source ${name}/${header}.cpp)
    file(CONFIGURE OUTPUT headers/${source} CONTENT "#include \"${header}\"\n#include \"${header}\"\n")
    list(APPEND sources ${CMAKE_CURRENT_BINARY_DIR}/headers/${source})
  endforeach()
  add_library(${name} OBJECT EXCLUDE_FROM_ALL ${sources})
  target_link_libraries(${name} PRIVATE gannet_base)
  target_compile_options(${name} PRIVATE -O0)
  gannet_warnings(${name})
  add_test(NAME meta.${name}
    COMMAND ${CMAKE_COMMAND} --build ${PROJECT_BINARY_DIR} --target ${name} ${keep_going})
  set_tests_properties(meta.${name} PROPERTIES LABELS meta TIMEOUT 1200 RESOURCE_LOCK build
    FIXTURES_REQUIRED sorted_headers)
endfunction()

# Sorts the headers again, in case that one has come to reach torch.
add_test(NAME meta.sort_headers COMMAND ${CMAKE_COMMAND} ${PROJECT_BINARY_DIR})
set_tests_properties(meta.sort_headers PROPERTIES LABELS meta RESOURCE_LOCK build
  FIXTURES_SETUP sorted_headers)

list(JOIN base_folders "|" base_pattern)
set(base_headers ${plain_headers})
list(FILTER base_headers INCLUDE REGEX "gannet/(${base_pattern})/")
list(FILTER plain_headers EXCLUDE REGEX "gannet/(${base_pattern})/")  # in sources beside something precompiled
without_own_source(base_headers ${base_headers})
without_own_source(torch_headers ${torch_headers})
if(GANNET_BASE_ONLY)
  set(plain_headers)
endif()
gannet_header_test(plain_headers ${base_headers} ${plain_headers})
if(NOT GANNET_BASE_ONLY AND torch_headers)
  gannet_header_test(torch_headers ${torch_headers})
  target_link_libraries(torch_headers PRIVATE gannet_torch)
  target_precompile_headers(torch_headers PRIVATE <torch/types.h>)
  set_tests_properties(meta.torch_headers PROPERTIES LABELS "meta;slow")
endif()
