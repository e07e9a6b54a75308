# Installs the headers, run by `cmake --install`: "tensor/tensor.h" of the source tree becomes
# PREFIX/include/lrurec/tensor/tensor.h, and what includes it there says <lrurec/tensor/tensor.h>, so that no folder of
# another project can come between. "lrurec/data/demo.h" is <lrurec/data/demo.h>.
#
# LRUREC_SOURCE: the source folder. LRUREC_HEADERS: where include/ is.
foreach(layer IN ITEMS tensor autograd ops nn lrurec)
  file(GLOB_RECURSE headers RELATIVE ${LRUREC_SOURCE} ${LRUREC_SOURCE}/${layer}/*.h ${LRUREC_SOURCE}/${layer}/*.inc)
  list(FILTER headers EXCLUDE REGEX "/emulator/")
  foreach(header IN LISTS headers)
    file(READ ${LRUREC_SOURCE}/${header} text)
    string(REGEX REPLACE "#include \"((tensor|autograd|ops|nn)/[^\"]+)\"" "#include <lrurec/\\1>" text "${text}")
    string(REGEX REPLACE "#include \"(lrurec/[^\"]+)\"" "#include <\\1>" text "${text}")
    if(layer STREQUAL "lrurec")
      set(target ${LRUREC_HEADERS}/${header})
    else()
      set(target ${LRUREC_HEADERS}/lrurec/${header})
    endif()
    file(WRITE "$ENV{DESTDIR}${target}" "${text}")
    list(APPEND CMAKE_INSTALL_MANIFEST_FILES ${target})
  endforeach()
endforeach()
# Whatever the umask: another user compiles with them.
file(CHMOD_RECURSE "$ENV{DESTDIR}${LRUREC_HEADERS}/lrurec"
  FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ
  DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
