# The GPU backend: LRUREC_CUDA = AUTO | ON | OFF | EMULATED.
#
# Kernels are *.cu files beside the CPU's; tensor/cuda/ holds what they share. ON compiles them with nvcc; cuBLAS is
# loaded when a GPU is opened. AUTO is ON for the GPUs of this machine and their architecture alone, OFF where there is none.
# EMULATED compiles the same files as C++ against tensor/cuda/emulator/. OFF touches none of them.

option(LRUREC_EMULATOR_RACES "With LRUREC_CUDA=EMULATED, by GCC: a race within a kernel is an error (tools/sanitize.sh races)" OFF)
if(LRUREC_EMULATOR_RACES)
  # For kernels, those of tests among them. What it calls is tensor/cuda/emulator/races.cpp: its library is not linked.
  set(watch_accesses -fsanitize=thread --param=tsan-instrument-func-entry-exit=0)
endif()

# default_architectures(ARCHITECTURE...): those of the kernels, unless others were asked for. What this has written into the
# cache was not asked for: it gives way to the default of another mode or GPU.
function(default_architectures)
  if(NOT CMAKE_CUDA_ARCHITECTURES OR "${CMAKE_CUDA_ARCHITECTURES}" STREQUAL "${LRUREC_DEFAULT_ARCHITECTURES}")
    set(CMAKE_CUDA_ARCHITECTURES ${ARGN} CACHE STRING "Architectures of the CUDA kernels" FORCE)
    set(LRUREC_DEFAULT_ARCHITECTURES "${ARGN}" CACHE INTERNAL "CMAKE_CUDA_ARCHITECTURES where nobody asked for others")
  endif()
endfunction()

set(LRUREC_CUDA_MODE ${LRUREC_CUDA})
if(LRUREC_CUDA_MODE STREQUAL "AUTO")
  set(LRUREC_CUDA_MODE OFF)
  set(why "this machine has no NVIDIA GPU (LRUREC_CUDA=ON builds the kernels all the same)")
  find_program(NVIDIA_SMI nvidia-smi)
  mark_as_advanced(NVIDIA_SMI)
  if(NVIDIA_SMI)
    execute_process(COMMAND ${NVIDIA_SMI} --query-gpu=compute_cap --format=csv,noheader
      OUTPUT_VARIABLE capabilities RESULT_VARIABLE code ERROR_QUIET)
    string(REGEX MATCHALL "[0-9]+[.][0-9]+" capabilities "${capabilities}")
    if(code EQUAL 0 AND capabilities)
      list(REMOVE_DUPLICATES capabilities)
      string(REPLACE "." "" capabilities "${capabilities}")
      include(CheckLanguage)
      check_language(CUDA)
      if(CMAKE_CUDA_COMPILER)
        set(LRUREC_CUDA_MODE ON)
        default_architectures(${capabilities})
        set(why "for CUDA architecture ${CMAKE_CUDA_ARCHITECTURES} (this machine's GPU: ${capabilities})")
      else()
        set(why "this machine has a GPU, but nvcc was not found: install the CUDA Toolkit 13 and put its bin folder on PATH")
      endif()
    endif()
  endif()
elseif(LRUREC_CUDA_MODE STREQUAL "ON")
  if(DEFINED ENV{CUDAARCHS})  # CMake's own variable for this
    default_architectures($ENV{CUDAARCHS})
  else()
    default_architectures(80-real 90)  # machine code for A100 and H100/H200; later ones translate the last one's PTX
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(NOT CMAKE_CUDA_COMPILER)
    message(FATAL_ERROR "LRUREC_CUDA=ON, but nvcc was not found: install the CUDA Toolkit 13 and put its bin folder on "
      "PATH, or configure with -DLRUREC_CUDA=OFF")
  endif()
endif()

if(LRUREC_CUDA_MODE STREQUAL "ON")
  set(CMAKE_CUDA_HOST_COMPILER ${CMAKE_CXX_COMPILER} CACHE STRING "")
  enable_language(CUDA)
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know that nvcc speaks it
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  endif()
  find_package(CUDAToolkit 12 REQUIRED)
  add_library(lrurec_cuda_options INTERFACE)
  target_include_directories(lrurec_cuda_options INTERFACE ${CMAKE_SOURCE_DIR})
  # Constants and std::array in kernels come from constexpr functions of the host's library.
  target_compile_options(lrurec_cuda_options INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:
    --expt-relaxed-constexpr -Xcompiler=-Wall,-Wextra,-Wshadow,-Wno-unknown-pragmas
    $<$<BOOL:${LRUREC_WERROR}>:-Werror=all-warnings>>)
  target_link_libraries(lrurec_cuda_options INTERFACE CUDA::cudart_static fmt::fmt)
  # fmt 9 takes no compiler of NVIDIA's for one that knows constexpr. Complex products and quotients are those of the CPU,
  # without the C99 Annex G rescue of infinities.
  target_compile_definitions(lrurec_cuda_options INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:FMT_USE_CONSTEXPR=1
    LIBCUDACXX_ENABLE_SIMPLIFIED_COMPLEX_OPERATIONS>)
  list(JOIN CMAKE_CUDA_ARCHITECTURES " " LRUREC_CUDA_ARCHITECTURES_TEXT)
  target_compile_definitions(lrurec_options INTERFACE LRUREC_CUDA_ENABLED)
  target_compile_definitions(lrurec_cuda_options INTERFACE LRUREC_CUDA_ENABLED
    LRUREC_CUDA_ARCHITECTURES="${LRUREC_CUDA_ARCHITECTURES_TEXT}" LRUREC_CUDA_LIBRARIES="${CUDAToolkit_LIBRARY_DIR}")
  # Runs what nvcc makes of formulas for kernels on the host (tools/check_cuda.sh).
  add_executable(cuda_formulas EXCLUDE_FROM_ALL tests/ops/cuda_formulas.cu)
  target_link_libraries(cuda_formulas PRIVATE lrurec_cuda_options)
elseif(LRUREC_CUDA_MODE STREQUAL "EMULATED")
  target_compile_definitions(lrurec_options INTERFACE LRUREC_CUDA_ENABLED LRUREC_CUDA_EMULATED)
  target_compile_options(lrurec_options INTERFACE -Wno-unknown-pragmas)  # nvcc's "unroll"
  # For tests alone, and they wait for kernels whose threads take turns: what compiles fast serves them best.
  target_compile_options(lrurec_options INTERFACE $<BUILD_INTERFACE:-O1>)
endif()
if(DEFINED why)
  message(STATUS "LRUREC_CUDA: ${LRUREC_CUDA_MODE}, ${why}")
else()
  message(STATUS "LRUREC_CUDA: ${LRUREC_CUDA_MODE}")
endif()

# unite(FILES NAME): where kernels are tested and not measured, few files that include those of operations (in FILES, a
# variable) in their place: most of nvcc's time goes into headers. (CMake itself does so with CUDA from 3.31 on.)
function(unite files name)
  if(NOT LRUREC_UNITY OR NOT (LRUREC_RUN_ONCE OR LRUREC_CUDA_MODE STREQUAL "EMULATED"))
    return()
  endif()
  set(united)
  foreach(letters a-c d-k l-q r-z)
    set(unit ${${files}})
    list(FILTER unit INCLUDE REGEX "/ops/[${letters}][^/]*/[^/]*$")
    if(unit)
      list(TRANSFORM unit PREPEND "#include \"")
      list(TRANSFORM unit APPEND "\"\n")
      list(JOIN unit "" text)
      set(file ${CMAKE_BINARY_DIR}/united/${name}_${letters}.cu)
      file(CONFIGURE OUTPUT ${file} CONTENT "${text}" @ONLY)
      list(APPEND united ${file})
    endif()
  endforeach()
  list(FILTER ${files} EXCLUDE REGEX "/ops/")
  set(${files} ${${files}} ${united} PARENT_SCOPE)
endfunction()

# Adds the CUDA side of a layer to its library.
function(add_cuda_sources layer)
  set(folder ${CMAKE_SOURCE_DIR}/${layer})
  file(GLOB_RECURSE kernels CONFIGURE_DEPENDS ${folder}/*.cu)
  if(LRUREC_CUDA_MODE STREQUAL "ON")
    list(FILTER kernels EXCLUDE REGEX "/emulator/")
    unite(kernels ${layer})
    file(GLOB toolkit CONFIGURE_DEPENDS ${folder}/cuda/*.cpp ${folder}/cuda/toolkit/*.cpp)
    if(kernels OR toolkit)
      # A library of its own: nvcc understands few of the host compiler's options.
      add_library(${layer}_cuda OBJECT ${kernels} ${toolkit})
      target_link_libraries(${layer}_cuda PRIVATE lrurec_cuda_options)
      target_sources(${layer}_layer PRIVATE $<TARGET_OBJECTS:${layer}_cuda>)
      target_link_libraries(${layer}_layer PUBLIC CUDA::cudart_static ${CMAKE_DL_LIBS})
    endif()
  elseif(LRUREC_CUDA_MODE STREQUAL "EMULATED")
    list(FILTER kernels EXCLUDE REGEX "/toolkit/")
    unite(kernels ${layer})
    file(GLOB emulator CONFIGURE_DEPENDS ${folder}/cuda/*.cpp ${folder}/cuda/emulator/*.cpp)
    set_source_files_properties(${kernels} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-xc++;${watch_accesses}")
    if(kernels OR emulator)
      add_library(${layer}_cuda OBJECT ${kernels} ${emulator})
      target_link_libraries(${layer}_cuda PRIVATE lrurec_options fmt::fmt OpenMP::OpenMP_CXX)
      target_sources(${layer}_layer PRIVATE $<TARGET_OBJECTS:${layer}_cuda>)
    endif()
  endif()
endfunction()
