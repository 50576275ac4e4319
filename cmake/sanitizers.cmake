# GUST_SANITIZE. The options that the sanitizers run with stand in the test presets (CMakePresets.json), the faults of
# libraries that the thread sanitizer is to leave out in tsan.supp.
if(GUST_SANITIZE)
  add_compile_options(-fsanitize=${GUST_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${GUST_SANITIZE})
endif()
