# What `./dev test unit` builds.
if(GUST_TESTS)
  add_custom_target(unit_tests)
endif()

# Compiles a target's sources in groups, if `joined`.
function(gust_join target joined)
  if(joined)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    # GCC takes a source's unnamed namespace for a header's, and what std::expected does not hold for used.
    target_compile_options(${target} PRIVATE
      $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage -Wno-maybe-uninitialized>)
  endif()
endfunction()

# gust_module(NAME [JOINED] [SHARDS n] [EXCLUDE folder...] [DEPENDS module...] [LINK target...])
#
# The library gust_NAME from src/NAME/**/*.cc, its unit tests from *_test.cc and its benchmarks from *_bench.cc. What
# stands in a folder workers/ is not part of it: gust_worker_object() builds that.
# EXCLUDE names further folders that are built otherwise.
# JOINED compiles its sources, and its tests, in groups: for modules whose time is mostly that of reading large
# libraries' headers. No two of its files may have a name in common then, not even in unnamed namespaces.
# SHARDS runs a test program with very many small cases as n tests instead of one process a case.
# DEPENDS names modules that stand above it in src/README.md; cmake/check_includes.py keeps the includes true to it.
function(gust_module name)
  cmake_parse_arguments(arg "JOINED" "SHARDS" "EXCLUDE;DEPENDS;LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  foreach(folder IN LISTS arg_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX "^${CMAKE_CURRENT_SOURCE_DIR}/${folder}/")
  endforeach()
  set(tests ${sources})
  set(benches ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|bench)\\.cc$|/workers/")

  if(sources)
    add_library(gust_${name} STATIC ${sources})
    gust_join(gust_${name} ${arg_JOINED})
    set(scope PUBLIC)
  else()
    add_library(gust_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(gust_${name} ${scope} ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  list(TRANSFORM arg_DEPENDS PREPEND gust_)
  target_link_libraries(gust_${name} ${scope} ${arg_DEPENDS} ${arg_LINK} Threads::Threads)

  if(GUST_TESTS AND tests)
    add_executable(gust_${name}_test ${tests})
    target_link_libraries(gust_${name}_test PRIVATE gust_${name} GTest::gtest_main GTest::gmock)
    # A third less to compile, and what is tested is still what users run.
    target_compile_options(gust_${name}_test PRIVATE $<$<CONFIG:Release>:-O1>)
    gust_join(gust_${name}_test ${arg_JOINED})
    add_dependencies(unit_tests gust_${name}_test)
    if(arg_SHARDS)
      math(EXPR last "${arg_SHARDS} - 1")
      foreach(shard RANGE ${last})
        add_test(NAME ${name}.shard_${shard} COMMAND gust_${name}_test --gtest_brief=1)
        set_tests_properties(${name}.shard_${shard} PROPERTIES LABELS unit TIMEOUT 600
          ENVIRONMENT "GTEST_TOTAL_SHARDS=${arg_SHARDS};GTEST_SHARD_INDEX=${shard}")
      endforeach()
    else()
      gtest_discover_tests(gust_${name}_test TEST_PREFIX ${name}. DISCOVERY_MODE PRE_TEST
        PROPERTIES LABELS unit TIMEOUT 120)
    endif()
  endif()
  if(GUST_TESTS AND benches)
    add_executable(gust_${name}_bench ${benches})
    target_link_libraries(gust_${name}_bench PRIVATE gust_${name} benchmark::benchmark_main)
  endif()
endfunction()
