# Transports that go by way of a server: shared objects beside gust-pack, loaded by src/transport/backend.cc.
include(GNUInstallDirs)

# What the program and the object must agree on: whatever changes the layout of what crosses between them.
set(crossing)
foreach(header base/clock base/ids base/result message/buffer message/layout message/transport transport/backend)
  file(SHA256 ${PROJECT_SOURCE_DIR}/src/${header}.h digest)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${header}.h)
  string(APPEND crossing ${digest})
endforeach()
string(SHA256 crossing "${crossing}")
string(SUBSTRING "${crossing}" 0 16 crossing)
set(GUST_BACKEND_BUILD
  "${PROJECT_VERSION} ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} ${CMAKE_BUILD_TYPE} ${GUST_SANITIZE} ${crossing}")

# gust_transport_library(NAME [ONE_TEST] [DEPENDS module...] [LINK target...])
#
# bin/gust-transport-NAME.so from src/transport/NAME/*.cc; its library.cc holds the GUST_BACKEND_LIBRARY. *_test.cc
# become gust_transport_NAME_test, *_bench.cc gust_transport_NAME_bench: they link the same code as a library, and
# testing/. ONE_TEST runs the test program as one test: its cases share a server that takes seconds to start. To be
# called in src/transport/CMakeLists.txt.
#
# The object exports one symbol. Like gust-pack it has its own C++ runtime inside, so that it runs where none is
# installed; not under sanitizers, which must see every new and delete.
function(gust_transport_library name)
  cmake_parse_arguments(arg "ONE_TEST" "" "DEPENDS;LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc)
  set(tests ${sources})
  set(benches ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  list(FILTER sources EXCLUDE REGEX "(_test|_bench|/library)\\.cc$")

  add_library(gust_transport_${name} STATIC ${sources})
  list(TRANSFORM arg_DEPENDS PREPEND gust_)
  target_link_libraries(gust_transport_${name} PUBLIC gust_transport ${arg_DEPENDS} ${arg_LINK})

  set(object gust-transport-${name})
  add_library(${object} MODULE ${name}/library.cc)
  target_link_libraries(${object} PRIVATE gust_transport_${name})
  target_compile_definitions(${object} PRIVATE "GUST_BACKEND_BUILD=\"${GUST_BACKEND_BUILD}\"")
  set_target_properties(${object} PROPERTIES
    PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_link_options(${object} PRIVATE -Wl,--exclude-libs,ALL -Wl,-Bsymbolic -Wl,--as-needed -Wl,--gc-sections)
  if(NOT GUST_SANITIZE)
    target_link_options(${object} PRIVATE -static-libstdc++ -static-libgcc -Wl,-z,defs)
  endif()
  set_property(GLOBAL APPEND PROPERTY GUST_TRANSPORTS ${object}) # built with gust, which loads them
  install(TARGETS ${object} LIBRARY DESTINATION ${CMAKE_INSTALL_BINDIR})

  if(GUST_TESTS)
    add_dependencies(gust_transport_test ${object})
    if(tests)
      add_executable(gust_transport_${name}_test ${tests})
      target_link_libraries(gust_transport_${name}_test PRIVATE
        gust_transport_${name} gust_transport_testing GTest::gtest_main GTest::gmock)
      add_dependencies(gust_transport_${name}_test ${object})
      add_dependencies(unit_tests gust_transport_${name}_test)
      if(arg_ONE_TEST)
        add_test(NAME transport_${name}.all COMMAND gust_transport_${name}_test --gtest_brief=1)
        set_tests_properties(transport_${name}.all PROPERTIES LABELS unit TIMEOUT 600)
      else()
        gtest_discover_tests(gust_transport_${name}_test TEST_PREFIX transport_${name}. DISCOVERY_MODE PRE_TEST
          PROPERTIES LABELS unit TIMEOUT 120)
      endif()
    endif()
    if(benches)
      add_executable(gust_transport_${name}_bench ${benches})
      target_link_libraries(gust_transport_${name}_bench PRIVATE
        gust_transport_${name} gust_transport_testing benchmark::benchmark_main)
      add_dependencies(gust_transport_${name}_bench ${object})
    endif()
  endif()
endfunction()
