# What `cmake --install` puts where: the command, and for other projects the libraries, headers and a CMake package.
#
#   find_package(lrurec REQUIRED)
#   target_link_libraries(mine PRIVATE lrurec::lrurec)      # or a layer below: lrurec::nn, ::ops, ::autograd, ::tensor
#
# A layer that links another library: name that one in lrurecConfig.cmake.in as well.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(layers tensor autograd ops nn lrurec)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/lrurec)

install(TARGETS lrurec RUNTIME COMPONENT command)

foreach(layer IN LISTS layers)
  set_target_properties(${layer}_layer PROPERTIES EXPORT_NAME ${layer} OUTPUT_NAME lrurec_${layer})
  install(TARGETS ${layer}_layer EXPORT lrurec_targets ARCHIVE COMPONENT development)
  # "tensor/tensor.h" of the source tree is include/lrurec/tensor/tensor.h.
  install(DIRECTORY ${layer} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lrurec COMPONENT development
    FILES_MATCHING PATTERN "*.h" PATTERN "*.cuh" PATTERN "emulator" EXCLUDE)
endforeach()
set_target_properties(lrurec_options PROPERTIES EXPORT_NAME options)
install(TARGETS lrurec_options EXPORT lrurec_targets)
install(EXPORT lrurec_targets NAMESPACE lrurec:: DESTINATION ${package_folder} COMPONENT development)

configure_package_config_file(tools/lrurecConfig.cmake.in lrurecConfig.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(lrurecConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/lrurecConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/lrurecConfigVersion.cmake
  DESTINATION ${package_folder} COMPONENT development)
