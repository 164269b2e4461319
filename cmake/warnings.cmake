# Warnings of the project's own code; third-party headers come in as system headers.
function(gannet_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Woverloaded-virtual)
  # GCC 12 raises these two inside std::variant and std::string where nothing is wrong.
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-restrict>)
  if(GANNET_WARNINGS_AS_ERRORS)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()

if(GANNET_SANITIZE)
  add_compile_options(-fsanitize=${GANNET_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${GANNET_SANITIZE})
endif()
