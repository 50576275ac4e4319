#include "cli/worker_compiler.h"

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fmt/format.h>
#include <sys/wait.h>
#include <system_error>

#include "base/files.h"
#include "base/program.h"
#include "worker/inspect.h"

namespace gust::cli {

namespace fs = std::filesystem;

namespace {

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> result;
  for (std::string word; in >> word;) result.push_back(word);
  return result;
}

bool is_c(const BuildRequest& request) { return request.source.extension() == ".c"; }

/// The compiler's words: what the user or the environment names may carry flags, as in "ccache g++".
Result<std::vector<std::string>> find_compiler(const BuildRequest& request) {
  const char* variable = is_c(request) ? "CC" : "CXX";
  const char* from_environment = std::getenv(variable);
  std::vector<std::string> named = words(request.compiler);
  if (named.empty() && from_environment != nullptr) named = words(from_environment);
  if (!named.empty()) {
    if (is_in_path(named.front())) return named;
    return fail(ErrorCode::kInvalid, fmt::format("there is no compiler '{}'; correct {}", named.front(),
                                                 request.compiler.empty() ? variable : "--compiler"));
  }
  using Names = std::array<const char*, 3>;
  for (const char* name : is_c(request) ? Names{"cc", "gcc", "clang"} : Names{"c++", "g++", "clang++"}) {
    if (is_in_path(name)) return std::vector<std::string>{name};
  }
  return fail(ErrorCode::kInternal, "there is no compiler; install one: apt install g++");
}

Result<void> run(const std::vector<std::string>& command) {
  std::vector<char*> argv;
  argv.reserve(command.size() + 1);
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail_errno(fmt::format("start {}", command.front()), error);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return fail_errno(fmt::format("wait for {}", command.front()), errno);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return fail(ErrorCode::kInvalid, fmt::format("{} could not compile it; see its messages above", command.front()));
}

Result<void> inspect(const fs::path& object) {
  const std::string bytes = GUST_TRY(read_whole_file(object));
  const auto info = worker::inspect_object(bytes);
  if (!info) return std::unexpected(info.error());
  return {};
}

/// Removed unless it was renamed: a build that fails leaves an older object as it was, and nothing else behind.
class Unfinished {
 public:
  explicit Unfinished(fs::path path) : path_(std::move(path)) {}
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

Result<std::vector<std::string>> compile_command(const BuildRequest& request, const fs::path& output) {
  std::error_code ignored;
  if (!fs::is_regular_file(request.source, ignored)) {
    return fail(ErrorCode::kInvalid, fmt::format("there is no source file {}", request.source.string()));
  }
  if (!fs::exists(request.include_directory / "gust" / "worker.h", ignored)) {
    return fail(ErrorCode::kInvalid, fmt::format("Gust's headers are not in {}, where this gust belongs to; install it "
                                                 "again, or give their folder with --include",
                                                 request.include_directory.string()));
  }
  std::vector<std::string> command = GUST_TRY(find_compiler(request));
  const auto append = [&command](const std::vector<std::string>& more) {
    command.insert(command.end(), more.begin(), more.end());
  };
  if (!is_c(request)) append(words(GUST_WORKER_CXX_FLAGS));
  append(words(GUST_WORKER_FLAGS));
  append({"-pthread", "-I" + request.include_directory.string(), request.source.string(), "-o", output.string()});
  append(request.flags);
  return command;
}

Result<fs::path> build_worker(const BuildRequest& request) {
  fs::path output = request.output;
  if (output.empty()) output = request.source.stem().concat(".so");
  const Unfinished unfinished(fmt::format("{}.{}.tmp", output.string(), ::getpid()));
  const std::vector<std::string> command = GUST_TRY(compile_command(request, unfinished.path()));
  GUST_TRY_VOID(run(command));
  GUST_TRY_VOID(inspect(unfinished.path()));
  std::error_code error;
  fs::rename(unfinished.path(), output, error);
  if (error) return fail(ErrorCode::kInvalid, fmt::format("cannot write {}: {}", output.string(), error.message()));
  return output;
}

}  // namespace gust::cli
