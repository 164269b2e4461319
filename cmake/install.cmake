# What `cmake --install` puts down: program, libraries, headers, configs and the CMake package.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/gannet)

# The paths of LibTorch hold on the building machine only. The torch targets are exported empty, and
# gannetConfig.cmake fills them on the machine that uses the package.
foreach(target IN ITEMS gannet_torch gannet_torch_libraries)
  foreach(property IN ITEMS INCLUDE_DIRECTORIES SYSTEM_INCLUDE_DIRECTORIES LINK_LIBRARIES)
    get_target_property(value ${target} INTERFACE_${property})
    if(value)
      set_property(TARGET ${target} PROPERTY INTERFACE_${property} "$<BUILD_INTERFACE:${value}>")
    endif()
  endforeach()
endforeach()

set_target_properties(gannet_base PROPERTIES EXPORT_NAME base)
set_target_properties(gannet_torch PROPERTIES EXPORT_NAME torch)
set_target_properties(gannet_torch_libraries PROPERTIES EXPORT_NAME torch_libraries)
set_target_properties(gannet_c PROPERTIES EXPORT_NAME c INSTALL_RPATH ${torch_root}/lib)
set_target_properties(gannet_program PROPERTIES INSTALL_RPATH ${torch_root}/lib)
target_compile_features(gannet_base PUBLIC cxx_std_20)

install(TARGETS gannet gannet_c gannet_base gannet_torch gannet_torch_libraries EXPORT gannet)
install(TARGETS gannet_program)
install(DIRECTORY src/gannet DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/gannet)
install(FILES LICENSE NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES src/gannet/viz/fonts/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME LICENSE.DejaVuSans)
install(FILES src/gannet/serve/vendor/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME LICENSE.uPlot)

install(EXPORT gannet NAMESPACE gannet:: FILE gannetTargets.cmake DESTINATION ${package_dir})
configure_package_config_file(cmake/gannetConfig.cmake.in gannetConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(gannetConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gannetConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/gannetConfigVersion.cmake cmake/cuda_libtorch.cmake DESTINATION ${package_dir})
