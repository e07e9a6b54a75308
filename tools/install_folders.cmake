# Makes the folders that files are about to be installed to, run by `cmake --install`. Whatever the umask of who installs:
# install() sees to that for files alone, and another user could not reach them in folders of a umask of 077. Folders that
# are there already stay as they are.
#
# LRUREC_FOLDERS: where, below the prefix.
foreach(folder IN LISTS LRUREC_FOLDERS)
  set(missing)
  set(at "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/${folder}")
  cmake_path(ABSOLUTE_PATH at)  # so that the way up ends at a folder that is there
  while(NOT EXISTS "${at}")
    list(APPEND missing "${at}")
    cmake_path(GET at PARENT_PATH at)
  endwhile()
  if(missing)
    file(MAKE_DIRECTORY ${missing})
    file(CHMOD ${missing} DIRECTORY_PERMISSIONS
      OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  endif()
endforeach()
