# cmake -DSOURCE=file -DOUTPUT=file.cc -DHEADER=path -DFUNCTION=gust::x::name -P embed_text.cmake
# The text of a file as a C++ function that gives it, for programs that must not have to find the file.
file(READ ${SOURCE} text)
string(REGEX REPLACE "^(.*)::([^:]*)$" "\\1" namespace "${FUNCTION}")
string(REGEX REPLACE "^(.*)::([^:]*)$" "\\2" name "${FUNCTION}")
file(WRITE ${OUTPUT} "#include \"${HEADER}\"

namespace ${namespace} {

std::string_view ${name}() { return R\"embedded(${text})embedded\"; }

}  // namespace ${namespace}
")
