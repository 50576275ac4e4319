# How a worker's source becomes a shared object: the flags of `gust build` (src/cli/build.cc gets them from here), used
# by the build itself for the examples and the tests' workers.
#
# The C++ library is linked into the object, so that it runs where another version is installed, or none, and is loaded
# in a tenth of the time (0.07 ms against 0.7 ms). Its symbols stay inside, and what the object uses it finds inside
# first (-Bsymbolic): instances of that library's templates are visible whatever -fvisibility says.
set(GUST_WORKER_FLAGS
  -O2 -shared -fPIC -fvisibility=hidden -static-libgcc -Wl,--exclude-libs,ALL -Wl,-Bsymbolic -Wl,-z,defs -Wl,--as-needed)
set(GUST_WORKER_CXX_FLAGS -std=c++20 -static-libstdc++)

# The headers stand beside the programs as they do when installed: bin/gust finds ../include/gust.
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/include ${CMAKE_BINARY_DIR}/include SYMBOLIC)
file(GLOB GUST_PUBLIC_HEADERS CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/gust/*.h)

# gust_worker_object(TARGET SOURCE FOLDER [FLAG...]): FOLDER/<name of SOURCE>.so, built by TARGET (which several may
# share), also anew when a header beside SOURCE changes.
function(gust_worker_object target source folder)
  cmake_path(ABSOLUTE_PATH source)
  cmake_path(GET source STEM LAST_ONLY name)
  cmake_path(GET source PARENT_PATH beside)
  file(GLOB headers CONFIGURE_DEPENDS ${beside}/*.h)
  if(source MATCHES "\\.c$")
    set(command ${CMAKE_C_COMPILER} ${GUST_WORKER_FLAGS})
  else()
    set(command ${CMAKE_CXX_COMPILER} ${GUST_WORKER_CXX_FLAGS} ${GUST_WORKER_FLAGS})
  endif()
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(
    OUTPUT ${folder}/${name}.so
    COMMAND ${command} -Wall -Wextra -Werror -pthread -I${PROJECT_SOURCE_DIR}/include ${ARGN} ${source} -o ${folder}/${name}.so
    DEPENDS ${source} ${headers} ${GUST_PUBLIC_HEADERS}
    COMMENT "Building worker ${name}.so"
    VERBATIM)
  add_custom_target(${target}_${name} DEPENDS ${folder}/${name}.so)
  if(NOT TARGET ${target})
    add_custom_target(${target} ALL)
  endif()
  add_dependencies(${target} ${target}_${name})
endfunction()
