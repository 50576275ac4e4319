#include "openwhisk/action_code.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "base/image_name.h"
#include "openwhisk/action_body.h"
#include "openwhisk/names.h"
#include "openwhisk/zip_package.h"

namespace gust::openwhisk {

namespace {

constexpr std::size_t kLongestShown = 100;
constexpr std::string_view kNative = "native";
constexpr std::string_view kArchive = "PK\x03\x04";
constexpr std::string_view kCompileFirst =
    "code that is compiled runs whatever its kind is called: send the program in a zip archive, as exec at the top "
    "level "
    "(ActionLoop); source takes an image that serves it: kind blackbox, or a row of the setting runtimes such as "
    "KIND=image:NAME,http";

std::unexpected<Error> wrong(std::string_view member, const Json& value, std::string_view right) {
  return fail(ErrorCode::kInvalid,
              fmt::format("exec.{} is {}; it must be {}", member, dump_json(value).substr(0, kLongestShown), right));
}

/// Moves the text out: code is too long to be copied without need.
Result<std::string> take_text(Json& exec, const char* name) {
  const auto found = exec.find(name);
  if (found == exec.end() || found->is_null()) return std::string();
  if (!found->is_string()) return wrong(name, *found, "a string");
  return std::move(found->get_ref<std::string&>());
}

Result<std::optional<bool>> read_binary(const Json& exec) {
  const auto found = exec.find("binary");
  if (found == exec.end() || found->is_null()) return std::nullopt;
  if (!found->is_boolean()) return wrong("binary", *found, "true or false");
  return found->get<bool>();
}

/// Python's own rule for names goes further: letters of any alphabet. Packs look the function up by this name.
Result<void> check_main(std::string_view main) {
  const auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c >= 0x80; };
  if (main.size() <= kLongestShown && std::ranges::all_of(main, allowed)) return {};
  return fail(ErrorCode::kInvalid, fmt::format("exec.main is \"{}\"; it must be the name of a function of the code",
                                               main.substr(0, kLongestShown)));
}

/// Empty for the host's own programs.
Result<std::string> read_image(Json& exec) {
  std::string image = GUST_TRY(take_text(exec, "image"));
  if (image.empty() || image == kHostImage) return std::string();
  const Result<void> good = check_image_name(image);
  if (!good) return std::unexpected(good.error().while_doing("exec.image"));
  return image;
}

Result<void> check_size(std::size_t size) {
  if (size <= kMaxCode.count()) return {};
  return fail(ErrorCode::kTooLarge,
              fmt::format("the code has {}; the limit is {}: strip it, or load what is large at run time",
                          to_string(Bytes(size)), to_string(kMaxCode)));
}

struct Code {
  std::string bytes;
  bool binary = false;
};

Result<Code> decode(std::string text, const Kind& kind, std::optional<bool> binary) {
  if (kind.text == CodeText::kSource) {
    // An archive in base64 is no program; where nobody says which it is, its first bytes do. A script says so itself.
    const bool like_archive = text.starts_with("UEsDB") || text.starts_with("UEsFB");  // PK, and what follows it
    const bool like_bytes = kind.name == kNative ? !text.starts_with("#!") : like_archive;
    if (!binary.value_or(like_bytes)) return Code{.bytes = std::move(text), .binary = false};
  }
  auto bytes = base64_decode(text);
  if (!bytes)
    return fail(ErrorCode::kInvalid, fmt::format("exec.code is not base64; for {} it is {}", kind.name, kind.code));
  return Code{.bytes = std::move(*bytes), .binary = true};
}

bool is_program(std::string_view bytes) {
  return bytes.starts_with(
             "\x7f"
             "ELF") ||
         bytes.starts_with("#!");
}

/// What a pack can execute, by its first bytes.
Result<void> check_executable(std::string_view bytes) {
  if (bytes.starts_with(kArchive)) return check_zip(bytes, {"exec"});
  if (is_program(bytes)) return {};
  return fail(
      ErrorCode::kInvalid,
      "exec.code is no executable: it begins neither as an ELF file nor with #!, nor is it a zip archive; send the "
      "program itself, or a zip archive with the program as exec at the top level");
}

/// Of a blackbox whose image has no server that a row of `runtimes` names: gust-pack looks at it the same way.
Result<void> check_for_image(const store::Action& action, const RuntimePlace& place) {
  // Where a Python stands for the image it is for that, or executed.
  const bool is_for_python = place.image.empty() || !place.python.empty();
  if (action.code->starts_with(kArchive) || (is_for_python && !(action.binary && is_program(*action.code)))) {
    return is_for_python ? check_zip(*action.code, {"__main__.py", "exec"}) : check_zip(*action.code, {});
  }
  return {};
}

/// Of another system's kind: neither made for anything here, nor with a family that is.
bool is_foreign(std::string_view kind) {
  const std::string_view family = kind.substr(0, kind.find(':'));
  return is_foreign_kind(kind) && std::ranges::find(kKinds, family, &Kind::family) == kKinds.end();
}

/// By which rule the code is taken.
Result<Kind> choose_kind(std::string_view text, const RuntimePlace& place) {
  const auto kind = find_kind(text);
  if (kind) return kind;
  if (!place.server.empty()) return find_kind(kBlackbox);
  return is_foreign(text) ? find_kind(kNative) : kind;
}

/// How it is stored and shown: as asked where that stands for something.
std::string kind_to_store(const std::string& asked, const Kind& kind, const Runtimes& runtimes) {
  if (!find_kind(asked)) return asked;
  return find_runtime(runtimes, asked) != nullptr && asked.starts_with(kind.name) ? asked : std::string(kind.name);
}

}  // namespace

Result<void> apply_exec(Json& exec, const Runtimes& runtimes, store::Action& action) {
  if (!exec.is_object()) {
    return fail(ErrorCode::kInvalid,
                fmt::format(R"(exec is {}; it must be an object such as {})", dump_json(exec).substr(0, kLongestShown),
                            R"({"kind": "cpp:1", "code": "<base64>"})"));
  }
  const std::string kind_text = GUST_TRY(take_text(exec, "kind"));
  if (kind_text.empty()) {
    return fail(ErrorCode::kInvalid, R"(exec.kind is missing; examples are "cpp:1" and "python:3")");
  }
  std::string image = GUST_TRY(read_image(exec));
  const RuntimePlace place = place_runtime(runtimes, kind_text, image);
  const Kind kind = GUST_TRY(choose_kind(kind_text, place));
  std::string main = GUST_TRY(take_text(exec, "main"));
  GUST_TRY_VOID(check_main(main));
  if (kind_text == kBlackbox && image.empty()) {
    return fail(ErrorCode::kInvalid, "exec.image is missing: a blackbox is code for an image, which it names");
  }
  const std::optional<bool> binary = GUST_TRY(read_binary(exec));
  std::string text = GUST_TRY(take_text(exec, "code"));
  // An image may be all of an action: it is then asked to /init without code.
  const bool may_lack_code =
      !place.server.empty() || (kind_text == kBlackbox && !place.image.empty() && place.python.empty());
  if (text.empty() && !may_lack_code) {
    return fail(ErrorCode::kInvalid, fmt::format("exec.code is missing; for {} it is {}", kind.name, kind.code));
  }
  Result<Code> decoded = decode(std::move(text), kind, binary);
  if (!decoded && kind.name == kNative && kind_text != kNative) {
    return fail(ErrorCode::kInvalid, fmt::format("{}; {}", find_kind(kind_text).error().message, kCompileFirst));
  }
  Code code = GUST_TRY(std::move(decoded));
  GUST_TRY_VOID(check_size(code.bytes.size()));
  action.kind = kind_to_store(kind_text, kind, runtimes);
  action.main = std::move(main);
  action.image = std::move(image);
  action.binary = code.binary;
  action.code_digest = sha256_hex(code.bytes);
  action.code = std::make_shared<const std::string>(std::move(code.bytes));
  return {};
}

Result<void> inspect_code(const store::Action& action, const Runtimes& runtimes, const InspectObject& inspect_object) {
  const RuntimePlace place = place_runtime(runtimes, action.kind, action.image);
  if (!place.server.empty()) return action.code->starts_with(kArchive) ? check_zip(*action.code, {}) : Result<void>();
  if (action.kind == kBlackbox) return check_for_image(action, place);
  if (is_foreign(action.kind)) {
    const auto good = check_zip(*action.code, {"exec"});
    if (good) return {};
    return fail(good.error().code, fmt::format("{}; {} ({})", find_kind(action.kind).error().message, kCompileFirst,
                                               good.error().message));
  }
  const Kind kind = GUST_TRY(find_kind(action.kind));
  if (kind.name == kNative) return check_executable(*action.code);
  if (kind.text == CodeText::kSource) {
    if (action.binary) return check_zip(*action.code, {"__main__.py"});
    if (action.code->find('\0') == std::string::npos) return {};
    return fail(ErrorCode::kInvalid, "exec.code has zero bytes, so it is no source text; for an archive, set binary");
  }
  const auto info = inspect_object(*action.code);
  if (!info) return std::unexpected(info.error().while_doing("exec.code"));
  return {};
}

}  // namespace gust::openwhisk
