# cmake --install: programs, the headers that users compile against, examples with their objects.
include(GNUInstallDirs)
foreach(program gust gust-pack gust-launcher)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()
install(DIRECTORY include/gust DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DATADIR}/gust PATTERN CMakeLists.txt EXCLUDE)
install(DIRECTORY ${CMAKE_BINARY_DIR}/examples DESTINATION ${CMAKE_INSTALL_DATADIR}/gust
  FILES_MATCHING PATTERN "*.so" PATTERN CMakeFiles EXCLUDE)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/gust)
