# Warnings are errors; the faster linker and the compiler cache where they are there.
add_compile_options(
  -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wvla)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options(-Wthread-safety)
else()
  # GCC 12 reports these inside its own library's inlined strings and containers (bugs 105329, 105651, 107852).
  add_compile_options(-Wno-restrict -Wno-array-bounds -Wno-stringop-overflow)
endif()

add_link_options(-Wl,--as-needed)
find_program(GUST_MOLD mold)
if(GUST_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

find_program(GUST_CCACHE ccache)
if(GUST_CCACHE)
  # Paths relative to the source folder, so that one clone finds what another has compiled.
  set(GUST_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${GUST_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${GUST_LAUNCHER})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${GUST_LAUNCHER})
endif()
