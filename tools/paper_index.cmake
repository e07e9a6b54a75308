# cmake -DROOT=.. -DOUTPUT=.. -P paper_index.cmake: docs/paper-map.md, and the line of every function and test that it
# names, as C++ for lrurec explain.

file(READ ${ROOT}/docs/paper-map.md map)
set(places "")

# line_of(TEXT NEEDLE RESULT): the line on which NEEDLE begins, 0 where it does not occur.
function(line_of text needle result)
  string(FIND "${text}" "${needle}" at)
  if(at EQUAL -1)
    set(${result} 0 PARENT_SCOPE)
    return()
  endif()
  string(SUBSTRING "${text}" 0 ${at} before)
  string(REGEX REPLACE "[^\n]" "" ends "${before}")
  string(LENGTH "${ends}" line)
  math(EXPR line "${line} + 1")
  set(${result} ${line} PARENT_SCOPE)
endfunction()

# Brackets and semicolons would break CMake's lists.
macro(read_text path)
  file(READ ${path} text)
  string(REPLACE ";" "," text "${text}")
  string(REPLACE "[" "(" text "${text}")
  string(REPLACE "]" ")" text "${text}")
endmacro()

string(REGEX MATCHALL "`[a-z0-9_/]+[.](cpp|h)`: `[A-Za-z0-9_:]+`" found "${map}")
list(REMOVE_DUPLICATES found)
foreach(pair IN LISTS found)
  string(REGEX MATCH "^`([^`]+)`: `([^`]+)`$" whole "${pair}")
  set(file ${CMAKE_MATCH_1})
  set(function ${CMAKE_MATCH_2})
  read_text(${ROOT}/${file})
  # Its definition or declaration stands at the start of a line, unlike its uses.
  string(REGEX MATCH "\n[A-Za-z][^\n]*[ :]${function}[(]" head "${text}")
  if(head)
    line_of("${text}" "${head}" line)
    math(EXPR line "${line} + 1")
  else()
    line_of("${text}" "${function}" line)
  endif()
  string(APPEND places "    {\"${file}: ${function}\", ${line}},\n")
endforeach()

string(REGEX MATCHALL "`[A-Z][A-Za-z0-9]+[.][A-Z][A-Za-z0-9]+`" tests "${map}")
list(REMOVE_DUPLICATES tests)
file(GLOB_RECURSE sources RELATIVE ${ROOT} ${ROOT}/tests/*.cpp)
foreach(source IN LISTS sources)
  read_text(${ROOT}/${source})
  foreach(test IN LISTS tests)
    string(REGEX MATCH "^`([^.]+)[.]([^`]+)`$" whole "${test}")
    line_of("${text}" "(${CMAKE_MATCH_1}, ${CMAKE_MATCH_2})" line)
    if(line GREATER 0)
      string(APPEND places "    {\"${CMAKE_MATCH_1}.${CMAKE_MATCH_2}\", ${line}, \"${source}\"},\n")
    endif()
  endforeach()
endforeach()

file(WRITE ${OUTPUT} "#include \"tools/lrurec/paper_map.h\"\n\nnamespace lrurec::command {
const std::string_view paper_map_text = R\"embedded(${map})embedded\";
const std::vector<PaperPlace>& paper_places() {
  static const std::vector<PaperPlace> all{\n${places}  };
  return all;
}
}  // namespace lrurec::command\n")
