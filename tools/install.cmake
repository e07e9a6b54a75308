# What `cmake --install` puts where: the command, and for other projects the libraries, headers and a CMake package.
#
#   find_package(lrurec REQUIRED)
#   target_link_libraries(mine PRIVATE lrurec::lrurec)      # or a layer below: lrurec::nn, ::ops, ::autograd, ::tensor
#
# A layer that links another library: name that one in lrurecConfig.cmake.in as well.

include(CMakePackageConfigHelpers)

set(layers tensor autograd ops nn lrurec)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/lrurec)

# install_folders(COMPONENT FOLDER...): before what is installed there.
function(install_folders component)
  install(CODE "set(LRUREC_FOLDERS \"${ARGN}\")
include(\"${CMAKE_SOURCE_DIR}/tools/install_folders.cmake\")" COMPONENT ${component})
endfunction()

# As install() itself takes a relative --prefix: from where it is called.
install(CODE "cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_PREFIX)" ALL_COMPONENTS)

install_folders(command ${CMAKE_INSTALL_BINDIR} ${CMAKE_INSTALL_DATADIR}/doc/lrurec)
install(TARGETS lrurec RUNTIME COMPONENT command)
# The same command compiled for more of a processor, which it starts where it can (lrurec/util/builds.h).
set(LRUREC_BETTER_BUILDS "" CACHE STRING "Build folders, named avx512 or avx512-bf16, whose command is installed as well")
foreach(folder IN LISTS LRUREC_BETTER_BUILDS)
  cmake_path(GET folder FILENAME vectors)
  install_folders(command libexec/lrurec/${vectors})
  install(PROGRAMS ${folder}/bin/lrurec DESTINATION libexec/lrurec/${vectors} COMPONENT command)
endforeach()

# Manual page and completion, which the command itself knows best.
set(share ${CMAKE_BINARY_DIR}/share)
# With the command, so that what is built can be installed, whatever targets were asked for.
option(LRUREC_SHARE "Manual page and completion, for which the command is run once built" ON)
if(LRUREC_SHARE)
  add_custom_command(TARGET lrurec POST_BUILD
    COMMAND ${CMAKE_COMMAND} -E make_directory ${share}
    COMMAND lrurec man > ${share}/lrurec.1
    COMMAND lrurec completion bash > ${share}/lrurec.bash
    COMMAND lrurec completion zsh > ${share}/_lrurec
    COMMAND lrurec completion fish > ${share}/lrurec.fish
    VERBATIM)
  if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
    set(zsh_folder zsh/vendor-completions)  # Debian's, for packages
  else()
    set(zsh_folder zsh/site-functions)
  endif()
  install_folders(command ${CMAKE_INSTALL_MANDIR}/man1 ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
    ${CMAKE_INSTALL_DATADIR}/${zsh_folder} ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
  install(FILES ${share}/lrurec.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT command)
  install(FILES ${share}/lrurec.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME lrurec
    COMPONENT command)
  install(FILES ${share}/_lrurec DESTINATION ${CMAKE_INSTALL_DATADIR}/${zsh_folder} COMPONENT command)
  install(FILES ${share}/lrurec.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT command)
endif()

install_folders(development ${CMAKE_INSTALL_LIBDIR} ${package_folder} ${CMAKE_INSTALL_INCLUDEDIR}
  ${CMAKE_INSTALL_DATADIR}/doc/lrurec-dev)
foreach(layer IN LISTS layers)
  set_target_properties(${layer}_layer PROPERTIES EXPORT_NAME ${layer} OUTPUT_NAME lrurec_${layer})
  install(TARGETS ${layer}_layer EXPORT lrurec_targets ARCHIVE COMPONENT development)
endforeach()
install(CODE "set(LRUREC_SOURCE \"${CMAKE_SOURCE_DIR}\")
set(LRUREC_HEADERS \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_INCLUDEDIR}\")
include(\"${CMAKE_SOURCE_DIR}/tools/install_headers.cmake\")" COMPONENT development)
set_target_properties(lrurec_options PROPERTIES EXPORT_NAME options)
install(TARGETS lrurec_options EXPORT lrurec_targets)
install(EXPORT lrurec_targets NAMESPACE lrurec:: DESTINATION ${package_folder} COMPONENT development)

configure_package_config_file(tools/lrurecConfig.cmake.in lrurecConfig.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(lrurecConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/lrurecConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/lrurecConfigVersion.cmake
  DESTINATION ${package_folder} COMPONENT development)

# Debian packages by `cpack` (tools/package.sh): lrurec, the command, and lrurec-dev for other projects.
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/lrurec RENAME copyright COMPONENT command)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/lrurec-dev RENAME copyright COMPONENT development)
set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL command development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT "The LRURec from scratch authors <lrurec@localhost>")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMMAND_PACKAGE_NAME lrurec)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SECTION science)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SHLIBDEPS ON)
# The OpenMP flavour: the others start threads of their own beside ours.
set(CPACK_DEBIAN_COMMAND_PACKAGE_DEPENDS libopenblas0-openmp)
set(CPACK_COMPONENT_COMMAND_DESCRIPTION
  "The command lrurec prepares logs, trains and evaluates LRURec models, and checks that all is right.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME lrurec-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "g++, pkg-config, libopenblas-openmp-dev, libxsimd-dev, libfmt-dev, \
libcereal-dev, nlohmann-json3-dev, libtomlplusplus-dev, libxxhash-dev, libarchive-dev, zlib1g-dev")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
  "For other projects: static libraries, headers and a CMake package (find_package(lrurec)).")
include(CPack)
