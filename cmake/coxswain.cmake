# How every part of the project is compiled, and the three shapes a target has.

add_compile_options(-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -Wno-format-zero-length -Wpointer-arith -Wwrite-strings -Wvla -Wno-missing-field-initializers -Wno-unused-parameter
  -Wno-format-zero-length # an empty detail is a detail: causes_required(c, at, "")
  -fno-omit-frame-pointer -fstack-protector-strong)
add_compile_definitions(_GNU_SOURCE COXSWAIN_VERSION="${PROJECT_VERSION}")
include_directories(${CMAKE_SOURCE_DIR})

if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  # gcc 12 sees truncations, overflows and unset variables that are not there.
  add_compile_options(-Wno-format-truncation -Wno-stringop-overflow -Wno-stringop-overread -Wno-maybe-uninitialized)
endif()

if(COXSWAIN_SANITIZE)
  add_compile_options(-fsanitize=${COXSWAIN_SANITIZE} -O1 -g -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${COXSWAIN_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(CMAKE_C_FLAGS_RELEASE "-O2 -g1") # asserts stay on: an illegal state must not be served
  add_compile_definitions(_FORTIFY_SOURCE=2)
  if(COXSWAIN_LTO)
    include(CheckIPOSupported)
    check_ipo_supported(RESULT ok OUTPUT why LANGUAGES C)
    if(ok)
      set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
    endif()
  endif()
endif()

# coxswain_library(name [LINK libs...]) : all *.c of this folder but tests, fuzzers and mains.
function(coxswain_library name)
  cmake_parse_arguments(A "" "" "LINK;SOURCES;EXCLUDE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.c)
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz|main)\\.c$")
  foreach(pattern IN LISTS A_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX ${pattern})
  endforeach()
  if(NOT sources AND NOT A_SOURCES) # a part that has only headers yet
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${A_LINK})
    return()
  endif()
  add_library(${name} STATIC ${sources} ${A_SOURCES})
  target_link_libraries(${name} PUBLIC ${A_LINK})
  coxswain_tests(${name})
endfunction()

# Every x_test.c beside the code is a cmocka program, every x_fuzz.c a libFuzzer target.
function(coxswain_tests library)
  file(GLOB tests CONFIGURE_DEPENDS *_test.c)
  foreach(source IN LISTS tests)
    get_filename_component(test ${source} NAME_WE)
    set(test ${library}_${test})
    add_executable(${test} ${source})
    target_link_libraries(${test} PRIVATE ${library} PkgConfig::CMOCKA)
    set_target_properties(${test} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test
      INTERPROCEDURAL_OPTIMIZATION OFF)
    add_test(NAME ${test} COMMAND ${test} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    set_tests_properties(${test} PROPERTIES TIMEOUT 120)
  endforeach()
  if(COXSWAIN_FUZZ)
    file(GLOB fuzzers CONFIGURE_DEPENDS *_fuzz.c)
    foreach(source IN LISTS fuzzers)
      get_filename_component(fuzzer ${source} NAME_WE)
      set(fuzzer ${library}_${fuzzer})
      add_executable(${fuzzer} ${source})
      target_compile_options(${fuzzer} PRIVATE -fsanitize=fuzzer)
      target_link_options(${fuzzer} PRIVATE -fsanitize=fuzzer)
      target_link_libraries(${fuzzer} PRIVATE ${library})
      set_target_properties(${fuzzer} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
    endforeach()
  endif()
endfunction()
