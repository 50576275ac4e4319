#include "stats/gnuplot.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/files.h"
#include "base/write_all.h"

namespace gust::stats {

namespace {

constexpr Bytes kMaxFigure = Bytes::mb(512);

Result<std::string> terminal_for(const std::filesystem::path& path, FigureSize size) {
  const std::string extension = path.extension().string();
  // One size of letters and lines in inches, whatever the format; 200 pixels an inch for print.
  if (extension == ".pdf") {
    return fmt::format(
        "set terminal pdfcairo size {}in,{}in font 'Sans,8' fontscale 0.94 linewidth 1.9 pointscale 0.65 rounded\n",
        size.width, size.height);
  }
  if (extension == ".png") {
    return fmt::format(
        "set terminal pngcairo size {:.0f},{:.0f} font 'Sans,8' fontscale 2.6 linewidth 2.6 pointscale 2 rounded\n",
        size.width * 200, size.height * 200);
  }
  if (extension == ".svg") {
    return fmt::format(
        "set terminal svg size {:.0f},{:.0f} font 'sans-serif,8' fontscale 1.4 linewidth 1.2 rounded background "
        "'white'\n",
        size.width * 96, size.height * 96);
  }
  return fail(ErrorCode::kInvalid,
              fmt::format("cannot draw {}: '{}' is not a figure's extension; write .pdf, .png or .svg", path.string(),
                          extension));
}

Result<UniqueFd> memory_file(const char* name) {
  UniqueFd fd(::memfd_create(name, MFD_CLOEXEC));
  if (!fd) return fail_errno("memfd_create", errno);
  return fd;
}

// Its descriptor's path, because a memory file has no other.
std::string path_of(const UniqueFd& fd) { return fmt::format("/proc/self/fd/{}", fd.get()); }

Result<void> await_exit(pid_t pid) {
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd waiting{.fd = process.get(), .events = POLLIN, .revents = 0};
  const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(kDrawingLimit);
  int ready = 0;
  do {
    ready = ::poll(&waiting, 1, static_cast<int>(limit.count()));
  } while (ready < 0 && errno == EINTR);
  if (ready == 0) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (ready == 0) {
    return fail(ErrorCode::kTimedOut, fmt::format("gnuplot was not done after {} s", kDrawingLimit.count()));
  }
  if (WIFSIGNALED(status)) {
    return fail(ErrorCode::kInternal, fmt::format("gnuplot was killed by signal {}", WTERMSIG(status)));
  }
  if (WEXITSTATUS(status) != 0) {
    return fail(ErrorCode::kInternal, fmt::format("gnuplot failed with exit code {}", WEXITSTATUS(status)));
  }
  return {};
}

// What gnuplot writes on standard output. All three streams are files in memory, so that no side can block the other.
Result<std::string> run_gnuplot(std::string_view script) {
  const UniqueFd input = GUST_TRY(memory_file("gnuplot script"));
  const UniqueFd output = GUST_TRY(memory_file("gnuplot figure"));
  const UniqueFd errors = GUST_TRY(memory_file("gnuplot errors"));
  GUST_TRY_VOID(write_all(input.get(), script));

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, path_of(input).c_str(), O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, errors.get(), STDERR_FILENO);
  // --default-settings: the user's own ~/.gnuplot must not change our figures.
  std::array<char*, 3> arguments = {const_cast<char*>("gnuplot"), const_cast<char*>("--default-settings"), nullptr};
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, "gnuplot", &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT) {
    return fail(ErrorCode::kInternal, "gnuplot, which draws the figures, is not installed; apt install gnuplot-nox");
  }
  if (error != 0) return fail_errno("start gnuplot", error);

  if (auto exited = await_exit(pid); !exited) {
    std::string said = read_whole_file(path_of(errors), kMaxFigure).value_or("");
    if (said.size() > 1000) said.resize(1000);
    return fail(exited.error().code, exited.error().message + (said.empty() ? "" : ": " + said));
  }
  std::string figure = GUST_TRY(read_whole_file(path_of(output), kMaxFigure));
  if (figure.empty()) return fail(ErrorCode::kInternal, "gnuplot wrote no figure");
  return figure;
}

}  // namespace

std::string gnuplot_quote(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += '\'';
    quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return quoted + "'";
}

Result<void> check_figure_path(const std::filesystem::path& path) {
  GUST_TRY(terminal_for(path, {}));
  return {};
}

Result<void> draw_figure(const std::filesystem::path& path, FigureSize size, std::string_view script) {
  std::string whole = GUST_TRY(terminal_for(path, size));
  whole += "set encoding utf8\n";
  whole += script;
  auto figure = run_gnuplot(whole);
  if (!figure) return std::unexpected(figure.error().while_doing("draw " + path.string()));
  return write_whole_file(path, *figure);
}

}  // namespace gust::stats
