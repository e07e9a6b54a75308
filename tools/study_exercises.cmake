# The exercises of docs/study/exercises: what tools/study.sh builds for a learner, and what the tests run.
#
#   study_check_N     builds the learner's file of exercise N with its check, and runs it. Which file that is stands in
#                     BUILD/study/N_learner.cpp, which tools/study.sh writes; at first it is exercise.cpp in its place.
#   study_needs_N     what that needs beside the learner's file
#   study_exercises   for the tests, in BUILD/bin/study_exercises: of each exercise the stub, the solution and the solution
#                     with common mistakes put in
#
# Nothing of this is part of `all`.

# As a script: writes the stub that the tests compile. A learner edits exercise.cpp in place, and the tests must not break
# for that: where exercise.cpp is all that differs from the last commit in its folder, the committed one is taken.
if(CMAKE_SCRIPT_MODE_FILE)
  get_filename_component(folder ${STUB} DIRECTORY)
  execute_process(COMMAND git -C ${folder} diff --name-only --relative HEAD -- . OUTPUT_VARIABLE changed ERROR_QUIET
    RESULT_VARIABLE git_failed OUTPUT_STRIP_TRAILING_WHITESPACE)
  set(committed FALSE)
  if(git_failed EQUAL 0 AND changed STREQUAL "exercise.cpp")
    execute_process(COMMAND git -C ${folder} show HEAD:./exercise.cpp OUTPUT_FILE ${OUTPUT} RESULT_VARIABLE git_failed)
    if(git_failed EQUAL 0)
      set(committed TRUE)
    endif()
  endif()
  if(NOT committed)
    configure_file(${STUB} ${OUTPUT} COPYONLY)
    file(TOUCH ${OUTPUT})
  endif()
  return()
endif()

set(study_folder ${CMAKE_SOURCE_DIR}/docs/study/exercises)
set(study_build ${CMAKE_BINARY_DIR}/study)
add_custom_target(study_exercises)

add_library(study_exercise_report OBJECT EXCLUDE_FROM_ALL ${study_folder}/check.cpp)
target_link_libraries(study_exercise_report PUBLIC lrurec_options fmt::fmt)
target_compile_options(study_exercise_report PRIVATE -O1)

# Last among what a program links, so that it comes after the project's own warnings. What is unused is unused because the
# hole is not filled yet.
add_library(study_learner_options INTERFACE)
target_compile_options(study_learner_options INTERFACE -O1 -Wno-error -Werror=return-type -Wno-unused-parameter
  -Wno-unused-variable -Wno-unused-but-set-variable -Wno-unused-function -Wno-old-style-cast -Wno-shadow -Wno-sign-compare)

# study_program(NAME N SOURCE): an executable of one file with a learner's function and the check of exercise N.
function(study_program name number source)
  add_executable(${name} EXCLUDE_FROM_ALL ${source})
  target_link_libraries(${name} PRIVATE study_check_object_${number} study_exercise_report study_learner_options)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin/study_exercises)
  # An index out of range stops the program.
  target_compile_definitions(${name} PRIVATE _GLIBCXX_ASSERTIONS)
endfunction()

# So that tools/study.sh can name the line of the learner's file that an index out of range, or a read or write outside an
# array, stopped. Not beside a sanitizer that bears no other.
include(CheckLinkerFlag)
check_linker_flag(CXX -fsanitize=address STUDY_ADDRESS_SANITIZER)

# study_exercise(N FOLDER LIBRARY...): exercise N, and which layers its check needs.
function(study_exercise number folder)
  set(here ${study_folder}/${folder})
  set(study_source_${number} ${here} PARENT_SCOPE)
  add_library(study_check_object_${number} OBJECT EXCLUDE_FROM_ALL ${here}/check.cpp)
  target_include_directories(study_check_object_${number} PUBLIC ${here})
  target_link_libraries(study_check_object_${number} PUBLIC lrurec_options fmt::fmt ${ARGN})
  target_compile_options(study_check_object_${number} PRIVATE -O1)

  add_custom_target(study_needs_${number})
  add_dependencies(study_needs_${number} study_check_object_${number} study_exercise_report ${ARGN})

  set(learner ${study_build}/${number}_learner.cpp)
  if(NOT EXISTS ${learner})
    file(WRITE ${learner} "#include \"${here}/exercise.cpp\"\n")
  endif()
  study_program(study_learner_${number} ${number} ${learner})
  if(STUDY_ADDRESS_SANITIZER)
    target_compile_options(study_learner_${number} PRIVATE -g -fsanitize=address)
    target_link_options(study_learner_${number} PRIVATE -fsanitize=address)
    # ccache would take what a copy of the file at another place was compiled to, with its name.
    set_target_properties(study_learner_${number} PROPERTIES CXX_COMPILER_LAUNCHER "")
  endif()
  add_custom_target(study_check_${number} COMMAND study_learner_${number} VERBATIM)

  set(stub ${study_build}/${number}_stub.cpp)
  add_custom_command(OUTPUT ${stub} DEPENDS ${here}/exercise.cpp VERBATIM
    COMMAND ${CMAKE_COMMAND} -DSTUB=${here}/exercise.cpp -DOUTPUT=${stub} -P ${CMAKE_SOURCE_DIR}/tools/study_exercises.cmake)
  study_program(${number}_stub ${number} ${stub})
  study_program(${number}_solution ${number} ${here}/solution.cpp)
  add_dependencies(study_exercises ${number}_stub ${number}_solution)
endfunction()

# study_mistake(N NAME FROM TO): the solution of exercise N with one text replaced by another.
function(study_mistake number name from to)
  set(solution ${study_source_${number}}/solution.cpp)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${solution})
  file(READ ${solution} text)
  string(FIND "${text}" "${from}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "${solution} has no text '${from}': change the mistake '${name}' in tools/study_exercises.cmake")
  endif()
  string(REPLACE "${from}" "${to}" text "${text}")
  set(mistake ${study_build}/${number}_${name}.cpp)
  file(CONFIGURE OUTPUT ${mistake} CONTENT "${text}" @ONLY)
  study_program(${number}_${name} ${number} ${mistake})
  add_dependencies(study_exercises ${number}_${name})
endfunction()

study_exercise(1 1_scan_backward autograd_layer)
study_mistake(1 no_conj "std::conj(l[d])" "l[d]")
study_mistake(1 no_conj_of_state "std::conj(states[(t - 1) * D + d])" "states[(t - 1) * D + d]")
study_mistake(1 forward_time "std::int64_t t = offsets[s + 1] - 1; t >= offsets[s]; --t"
  "std::int64_t t = offsets[s]; t < offsets[s + 1]; ++t")
study_mistake(1 across_boundary "if (t > offsets[s])" "if (t > 0)")
study_mistake(1 sums_that_stay "[l, h, offsets](const Tensor& dh, const Needs&) {
    return backward(l, h, dh.contiguous(), offsets);"
"[l, h, sums = Tensor::zeros(l.shape(), l.dtype()), offsets](const Tensor& dh, const Needs&) {
    const Tensors grads = backward(l, h, dh.contiguous(), offsets);
    for (std::int64_t d = 0; d < l.numel(); ++d) sums.data<c128>()[d] += grads[0].data<c128>()[d];
    return Tensors{sums, grads[1]};")

# As frameworks write it whose gradients are dL/dRe - i dL/dIm.
study_mistake(1 conjugated "        g = dstates[t * D + d] + std::conj(l[d]) * g;
        to_x[t * D + d] = g;
        if (t > offsets[s]) to_lambda[d] += g * std::conj(states[(t - 1) * D + d]);"
"        g = std::conj(dstates[t * D + d]) + l[d] * g;
        to_x[t * D + d] = g;
        if (t > offsets[s]) to_lambda[d] += g * states[(t - 1) * D + d];")
study_mistake(1 behind_the_end "      c128 g = 0;" "      c128 g = to_x[offsets[s + 1] * D + d] = 0;")
study_mistake(1 into_the_gradient "const Tensor dx = Tensor::zeros(h.shape(), h.dtype());" "const Tensor dx = dh;")

study_exercise(2 2_ring)
study_mistake(2 uniform_modulus "const double squared = r_min * r_min + u1[d] * (r_max * r_max - r_min * r_min);"
  "const double modulus = r_min + u1[d] * (r_max - r_min), squared = modulus * modulus;")
study_mistake(2 squared_for_modulus "-0.5 * std::log(squared)" "-std::log(squared)")
study_mistake(2 no_minus "-0.5 *" "0.5 *")
study_mistake(2 degrees "2 * std::numbers::pi * u2[d]" "360 * u2[d]")
study_mistake(2 centred "2 * std::numbers::pi * u2[d]" "2 * std::numbers::pi * (u2[d] - 0.5)")
study_mistake(2 wrong_angle "2 * std::numbers::pi * u2[d]" "2 * std::numbers::pi * u1[d]")
study_mistake(2 one_ring "r_min * r_min + u1[d] * (r_max * r_max - r_min * r_min)" "0.64 + u1[d] * 0.3401")

study_exercise(3 3_gamma)
study_mistake(3 no_root "0.5 * std::log" "std::log")
study_mistake(3 modulus_for_square "std::expm1(-2 * nu)" "std::expm1(-nu)")
study_mistake(3 cancellation "-std::expm1(-2 * nu)" "1 - std::exp(-2 * nu)")

study_exercise(4 4_segment_reset)
study_mistake(4 from_zero "Complex state = initial[s];" "Complex state = 0;")
study_mistake(4 same_initial "Complex state = initial[s];" "Complex state = initial[0];")
study_mistake(4 lambda_at_first "state = lambda * state + x[t];"
  "state = (t == static_cast<std::size_t>(offsets[s]) ? state : lambda * state) + x[t];")

study_exercise(5 5_adamw)
study_mistake(5 in_gradient "    m[i] = beta1 * m[i] + (1 - beta1) * g[i];
    v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
    p[i] -= lr * weight_decay * p[i];" "    const double all = g[i] + weight_decay * p[i];
    m[i] = beta1 * m[i] + (1 - beta1) * all;
    v[i] = beta2 * v[i] + (1 - beta2) * all * all;")
study_mistake(5 through_the_step "    p[i] -= lr * weight_decay * p[i];
    p[i] -= lr * (m[i] / correction1)" "    p[i] -= lr * (m[i] / correction1 + weight_decay * p[i])")
study_mistake(5 without_lr "p[i] -= lr * weight_decay * p[i];" "p[i] -= weight_decay * p[i];")

study_exercise(6 6_elementwise autograd_layer)
study_mistake(6 no_conj "conjugate(value[i] * value[i])" "value[i] * value[i]")
study_mistake(6 wrong_sign "dy.data<T>()[i] *" "-dy.data<T>()[i] *")
study_mistake(6 not_contiguous "grad.contiguous()" "grad")
study_mistake(6 in_place "[y](const Tensor& grad, const Needs&) {
    const Tensor dy = grad.contiguous(), dx = Tensor::empty(y.shape(), y.dtype());"
"[y = y.clone()](const Tensor& grad, const Needs&) {
    const Tensor dy = grad.contiguous(), dx = y;")

study_mistake(6 into_the_gradient "dx = Tensor::empty(y.shape(), y.dtype());" "dx = dy;")
study_mistake(6 over_its_input "const Tensor y = Tensor::empty(x.shape(), x.dtype());" "const Tensor y = x;")

study_exercise(7 7_ndcg)
study_mistake(7 natural_log "std::log2" "std::log")
study_mistake(7 ties_for_the_target ">=" ">")
study_mistake(7 cut_before_k "rank <= k" "rank < k")
study_mistake(7 seen_twice "  std::size_t rank = 1;
  for (std::size_t item = 0; item < scores.size(); ++item) {
    if (item == target) continue;
    if (std::find(seen.begin(), seen.end(), item) != seen.end()) continue;
    if (scores[item] >= scores[target]) ++rank;
  }"
"  const auto at_or_above = [&](double score) { return score >= scores[target]; };
  auto rank = std::count_if(scores.begin(), scores.end(), at_or_above);
  for (const std::size_t item : seen) rank -= at_or_above(scores[item]) ? 1 : 0;")

study_exercise(8 8_algorithm_1)
study_mistake(8 pad_behind "const auto pad = static_cast<std::ptrdiff_t>(padded - x.size());" "const std::ptrdiff_t pad = 0;")
study_mistake(8 one_power "powers[i] * carried" "pow(lambda, static_cast<double>(half)) * carried")
study_mistake(8 no_powers "powers[i] * carried" "lambda * carried")
study_mistake(8 row_by_row "powers[i] * carried" "powers[i] * h[start + i]")
study_mistake(8 from_power_0 "powers[i] * carried" "pow(lambda, static_cast<double>(i)) * carried")
study_mistake(8 updated_row "powers[i] * carried" "lambda * h[start + half + i - 1]")
study_mistake(8 anew_from_x "    for (std::size_t start = 0; start < padded; start += 2 * half) {
      const Complex carried = h[start + half - 1];  // the last row of the first half
      for (std::size_t i = 0; i < half; ++i) h[start + half + i] += powers[i] * carried;
    }"
"    for (std::size_t t = padded - x.size(); t < padded; ++t) {
      h[t] = 0;
      for (std::size_t k = t - t % (2 * half); k <= t; ++k)
        h[t] = lambda * h[t] + (k < padded - x.size() ? 0 : x[k - (padded - x.size())]);
    }")

# When lrurec_tests is defined, which may be later than this file is read.
function(study_exercises_for_tests)
  if(NOT TARGET lrurec_tests)
    return()
  endif()
  get_target_property(sources lrurec_tests SOURCES)
  if("${sources}" MATCHES "study_exercises_test")
    add_dependencies(lrurec_tests study_exercises)
  endif()
endfunction()
cmake_language(DEFER CALL study_exercises_for_tests)

study_exercise(9 9_lambda_of_each_token)
study_mistake(9 own_lambda "    const Complex g = dh[t] + later;
    const Complex before = t > 0 ? h[t - 1] : initial;
    gradients.x[t] = g;
    gradients.lambda[t] = g * std::conj(before);
    later = std::conj(lambda[t]) * g;
  }
  gradients.initial = later;"
"    const Complex g = dh[t] + std::conj(lambda[t]) * later;
    const Complex before = t > 0 ? h[t - 1] : initial;
    gradients.x[t] = g;
    gradients.lambda[t] = g * std::conj(before);
    later = g;
  }
  gradients.initial = std::conj(lambda[0]) * later;")
study_mistake(9 no_conj "later = std::conj(lambda[t]) * g" "later = lambda[t] * g")
study_mistake(9 state_after "t > 0 ? h[t - 1] : initial" "h[t]")
study_mistake(9 no_conj_of_state "g * std::conj(before)" "g * before")
study_mistake(9 from_zero "t > 0 ? h[t - 1] : initial" "t > 0 ? h[t - 1] : 0")
study_mistake(9 later_is_lost "gradients.lambda[t] = g *" "gradients.lambda[t] = dh[t] *")
study_mistake(9 initial_as_x "gradients.initial = later" "gradients.initial = gradients.x[0]")

study_exercise(10 10_wkv)
study_mistake(10 bonus_stays "added = std::exp(k[t] - next)" "added = std::exp(u + k[t] - next)")
study_mistake(10 falls_early "old = std::exp(m - top)" "old = std::exp(m - w - top)")
study_mistake(10 nothing_falls "m - w" "m")
study_mistake(10 no_bonus "u + k[t]" "k[t]")
study_mistake(10 plain_powers "std::max(m, u + k[t])" "0")
study_mistake(10 follows_down "std::max(m - w, k[t])" "k[t]")
