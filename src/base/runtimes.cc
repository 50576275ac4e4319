#include "base/runtimes.h"

#include <algorithm>
#include <fmt/format.h>
#include <ranges>

#include "base/image_name.h"

namespace gust {

namespace {

constexpr std::string_view kImage = "image:";
constexpr std::string_view kPython = "python:";
constexpr std::string_view kServer = "http";
constexpr std::string_view kForm =
    R"(write NAME=python:FOLDER, NAME=image:NAME, NAME=image:NAME,http or NAME=host, and ";" between them; )"
    R"(* stands for any text in a NAME)";

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

Result<std::string> parse_python(std::string_view path) {
  for (const std::string_view program : {"/bin/python3", "/bin/python"}) {
    if (path.ends_with(program)) path.remove_suffix(program.size());
  }
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path.size() > 1 && path.starts_with('/')) return std::string(path);
  return fail(
      ErrorCode::kInvalid,
      fmt::format("python '{}' must be the absolute path of a folder with bin/python3, such as a virtualenv", path));
}

/// "http", or "http:COMMAND".
Result<std::string> parse_server(std::string_view what) {
  what.remove_prefix(kServer.size());
  if (what.empty()) return std::string(kOwnServer);
  what.remove_prefix(1);
  std::string command;
  for (const auto part : what | std::views::split(' ')) {
    const std::string_view word(part.begin(), part.end());
    if (!word.empty()) command += (command.empty() ? "" : " ") + std::string(word);
  }
  if (!command.empty() && std::ranges::none_of(command, [](unsigned char c) { return c < ' '; })) return command;
  return fail(ErrorCode::kInvalid, "http: must be followed by the command of a server, such as http:/bin/proxy");
}

Result<void> apply(std::string_view what, Runtime& runtime) {
  if (what == kHostImage) return {};
  if (what.starts_with(kPython)) {
    runtime.python = GUST_TRY(parse_python(what.substr(kPython.size())));
    return {};
  }
  if (what == kServer || what.starts_with("http:")) {
    runtime.server = GUST_TRY(parse_server(what));
    return {};
  }
  if (what.starts_with(kImage)) {
    what.remove_prefix(kImage.size());
    if (what != "*") GUST_TRY_VOID(check_image_name(what));
    runtime.image = what;
    return {};
  }
  return fail(ErrorCode::kInvalid, fmt::format("'{}' is nothing that a runtime can be; {}", what, kForm));
}

Result<Runtime> parse_runtime(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return fail(ErrorCode::kInvalid, fmt::format("'{}' is no runtime; {}", text, kForm));
  }
  Runtime runtime;
  runtime.name = trim(text.substr(0, equals));
  std::string plain = runtime.name;
  std::ranges::replace(plain, '*', 'x');
  const auto good = check_image_name(plain);
  if (!good) {
    return fail(ErrorCode::kInvalid,
                fmt::format("'{}' is neither a kind nor an image's name; {}", runtime.name, kForm));
  }
  const std::string_view whats = trim(text.substr(equals + 1));
  if (whats.empty()) GUST_TRY_VOID(apply(whats, runtime));  // nothing would be split into no parts
  for (const auto part : whats | std::views::split(',')) {
    GUST_TRY_VOID(apply(trim(std::string_view(part.begin(), part.end())), runtime));
  }
  if (runtime.server == kOwnServer && runtime.image.empty()) {
    return fail(ErrorCode::kInvalid,
                fmt::format("'{}' is served by nothing: without an image, http needs a command, such "
                            "as http:/usr/local/bin/proxy",
                            runtime.name));
  }
  return runtime;
}

std::string_view without_registry(std::string_view name) {
  for (const std::string_view prefix : {"docker.io/", "library/"}) {
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  }
  return name;
}

/// Goes back to the last * only, which is enough: what the ones before it took need not change.
bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t star = std::string_view::npos;
  std::size_t taken = 0;
  for (std::size_t t = 0; t < text.size();) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace

Result<Runtimes> parse_runtimes(std::string_view text) {
  Runtimes runtimes;
  for (const auto part : text | std::views::split(';')) {
    const std::string_view row = trim(std::string_view(part.begin(), part.end()));
    if (!row.empty()) runtimes.push_back(GUST_TRY(parse_runtime(row)));
  }
  return runtimes;
}

std::string to_string(const Runtimes& runtimes) {
  std::string text;
  for (const Runtime& runtime : runtimes) {
    std::string what;
    if (!runtime.image.empty()) what = fmt::format("{}{}", kImage, runtime.image);
    if (!runtime.python.empty()) what += fmt::format("{}{}{}", what.empty() ? "" : ",", kPython, runtime.python);
    if (!runtime.server.empty()) {
      what += fmt::format("{}{}", what.empty() ? "" : ",", kServer);
      if (runtime.server != kOwnServer) what += ":" + runtime.server;
    }
    text += fmt::format("{}{}={}", text.empty() ? "" : ";", runtime.name, what.empty() ? kHostImage : what);
  }
  return text;
}

std::vector<std::string> host_pythons(const Runtimes& runtimes) {
  std::vector<std::string> folders;
  const auto seen = [&](const std::string& folder) { return std::ranges::find(folders, folder) != folders.end(); };
  for (const Runtime& runtime : runtimes) {
    if (runtime.python.empty() || !runtime.image.empty() || seen(runtime.python)) continue;
    folders.push_back(runtime.python);
  }
  return folders;
}

const Runtime* find_runtime(const Runtimes& runtimes, std::string_view name) {
  const auto found = std::ranges::find_if(runtimes, [name = without_registry(name)](const Runtime& runtime) {
    return matches(without_registry(runtime.name), name);
  });
  return found == runtimes.end() ? nullptr : &*found;
}

RuntimePlace place_runtime(const Runtimes& runtimes, std::string_view kind, const std::string& image) {
  const Runtime* runtime = find_runtime(runtimes, image.empty() ? kind : image);
  if (runtime == nullptr) return {.image = image};
  return {
      .image = runtime->image == "*" ? image : runtime->image, .python = runtime->python, .server = runtime->server};
}

}  // namespace gust
