#include "pack/code.h"

namespace gust::pack {

Result<std::unique_ptr<Code>> load_code(std::string_view kind, const std::string& path) {
  if (kind == "cpp:1") return load_cpp(path);
  return fail(ErrorCode::kInvalid, "this gust-pack cannot run code of kind '" + std::string(kind) +
                                       "'; it runs the kinds cpp:1, python:3, native, blackbox and http");
}

}  // namespace gust::pack
