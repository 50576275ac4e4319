#include "container/python_folders.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>

#include "container/sandbox/host_files.h"

namespace gust::container {

namespace fs = std::filesystem;

namespace {

/// Links to links, before somebody made a circle.
constexpr int kMostLinks = 40;
/// Places of which containers have their own.
constexpr std::string_view kOwnPlaces[] = {"/tmp", "/var/tmp", "/proc", "/dev", "/sys", "/gust"};

bool is_below(const fs::path& path, std::string_view folder) {
  const std::string text = path.lexically_normal().string();
  return text.starts_with(folder) && (text.size() == folder.size() || text[folder.size()] == '/');
}

bool is_seen_anyway(const fs::path& path) {
  return std::ranges::any_of(kProgramDirectories, [&](const char* folder) { return is_below(path, folder); });
}

/// Has a standard library: bin/ of anything else may lie in a home directory, of which nothing more is to be seen.
bool is_prefix(const fs::path& folder) {
  std::error_code error;
  for (const char* library : {"lib", "lib64"}) {
    for (const auto& entry : fs::directory_iterator(folder / library, error)) {
      if (entry.path().filename().string().starts_with("python3")) return true;
    }
  }
  return false;
}

/// The folder `home` in a virtualenv's pyvenv.cfg: where the Python lies that it was made with. Empty when it is none.
fs::path home_of(const fs::path& folder) {
  std::ifstream file(folder / "pyvenv.cfg");
  for (std::string line; std::getline(file, line);) {
    const std::size_t equals = line.find('=');
    if (!line.starts_with("home") || equals == std::string::npos) continue;
    const std::size_t begin = line.find_first_not_of(" \t", equals + 1);
    if (begin != std::string::npos) return line.substr(begin, line.find_last_not_of(" \t\r") + 1 - begin);
  }
  return {};
}

class Folders {
 public:
  /// What follows is for this one.
  void begin(const fs::path& python) { python_ = python; }

  Result<void> add(const fs::path& prefix) {
    if (is_seen_anyway(prefix) || std::ranges::any_of(found_, [&](const auto& f) { return is_below(prefix, f); })) {
      return {};
    }
    for (const std::string_view place : kOwnPlaces) {
      if (!is_below(prefix, place)) continue;
      return fail(ErrorCode::kInvalid,
                  fmt::format("python {}: {} cannot be shown to containers, which have a {} of their own; move it, for "
                              "example to /opt",
                              python_.string(), prefix.string(), place));
    }
    if (!is_prefix(prefix)) {
      return fail(
          ErrorCode::kInvalid,
          fmt::format("python {}: it leads to {}, which has no lib/python3.*, so it is not known what its Python "
                      "needs; make a virtualenv (python3 -m venv) and name that",
                      python_.string(), prefix.string()));
    }
    std::erase_if(found_,
                  [&](const std::string& folder) { return is_below(folder, prefix.lexically_normal().string()); });
    found_.push_back(prefix.lexically_normal().string());
    return {};
  }

  /// What a program's links lead to.
  Result<void> follow(fs::path program) {
    std::error_code error;
    for (int links = 0; links < kMostLinks; ++links) {
      GUST_TRY_VOID(add(program.parent_path().parent_path()));
      if (!fs::is_symlink(program, error)) return {};
      program = (program.parent_path() / fs::read_symlink(program, error)).lexically_normal();
    }
    return fail(ErrorCode::kInvalid, fmt::format("python {}: its links lead in a circle", python_.string()));
  }

  [[nodiscard]] std::vector<std::string> take() { return std::move(found_); }

 private:
  fs::path python_;  ///< for messages
  std::vector<std::string> found_;
};

}  // namespace

Result<void> check_python(std::string_view folder) {
  const fs::path program = fs::path(folder) / "bin/python3";
  std::error_code error;
  if (fs::is_regular_file(program, error) && ::access(program.c_str(), X_OK) == 0) return {};
  return fail(ErrorCode::kInvalid,
              fmt::format("python {}: there is no program {}; name a virtualenv (python3 -m venv {}), or a Python's "
                          "prefix such as /usr/local, in the setting runtimes",
                          folder, program.string(), folder));
}

Result<std::vector<std::string>> folders_of_pythons(const std::vector<std::string>& folders) {
  Folders shown;
  for (const fs::path folder : folders) {
    GUST_TRY_VOID(check_python(folder.string()));
    shown.begin(folder);
    GUST_TRY_VOID(shown.follow(folder / "bin/python3"));
    if (const fs::path home = home_of(folder); !home.empty()) GUST_TRY_VOID(shown.follow(home / "python3"));
  }
  return shown.take();
}

}  // namespace gust::container
