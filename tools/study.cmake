# The programs of docs/study, one executable each in bin/study/. tests/study_test.cpp runs them and compares what they print
# with the chapters.
file(GLOB study_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/study/programs/*.cpp)
add_custom_target(study_programs)
foreach(source IN LISTS study_sources)
  get_filename_component(name ${source} NAME_WE)
  add_executable(study_${name} EXCLUDE_FROM_ALL ${source})
  set_target_properties(study_${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin/study)
  target_link_libraries(study_${name} PRIVATE lrurec_layer)
  target_compile_options(study_${name} PRIVATE -O1)  # as the tests: built more often than they run
  add_dependencies(study_programs study_${name})
endforeach()
