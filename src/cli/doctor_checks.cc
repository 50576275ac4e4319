#include "cli/doctor_checks.h"

#include <sched.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "base/program.h"
#include "cli/temporary_dir.h"
#include "container/probe.h"
#include "container/sandbox/cgroup_paths.h"
#include "container/sandbox/sandbox.h"

namespace gust::cli {

namespace {

/// A pack takes three descriptors of its invoker's, twice that on their way to the launcher.
constexpr rlim_t kEnoughFiles = 4096;

Check check_driver(const Config& config, const std::string& name) {
  Check check{.name = "driver " + name, .found = {}, .advice = {}};
  if (name == config.driver) check.name += " (default)";
  TemporaryDir directory;
  if (const auto made = directory.create("gust-doctor"); !made) {
    return {check.name, Health::kMissing, made.error().message, ""};
  }
  container::DriverOptions options;
  options.state_dir = directory.path() / "driver";
  options.oci_runtime = config.oci_runtime;
  const auto probe = container::try_driver(name, options);
  if (!probe) return {check.name, Health::kMissing, "does not work: " + probe.error().message, ""};
  check.found = fmt::format("works, {:.1f} ms for one container", static_cast<double>(probe->start.count()) / 1000);
  if (!probe->notice.empty()) {
    check.health = Health::kLimited;
    check.found += "; " + probe->notice;
  }
  return check;
}

/// As an ordinary user would make one.
bool can_make_user_namespace() {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(::unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
  int status = 0;
  return pid > 0 && ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string read_word(const char* path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

Check check_user_namespaces() {
  if (can_make_user_namespace()) return {"user namespaces", Health::kGood, "permitted", ""};
  const bool needed = ::geteuid() != 0;
  return {"user namespaces", needed ? Health::kMissing : Health::kLimited, "forbidden to this user",
          needed ? "permit them (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone), or run as root"
                 : "nothing: root does not need them"};
}

Check check_cgroups() {
  std::vector<std::string> found;
  for (const container::CgroupMount& mount : container::find_cgroup_mounts()) {
    const bool one = mount.version == container::CgroupMount::Version::kOne;
    const bool writable = ::access(mount.own.c_str(), W_OK) == 0;
    if (one && !mount.has("memory") && !mount.has("cpu") && !mount.has("pids")) continue;
    const std::string kind =
        one ? "version 1 " + mount.controllers.substr(mount.controllers.find(',') + 1)  // behind "rw,"
            : "version 2 " + read_word((mount.own + "/cgroup.controllers").c_str());
    found.push_back(fmt::format("{} ({})", kind, writable ? "can be written" : "read-only"));
  }
  if (found.empty()) found.emplace_back("none");
  const unsigned missing = container::Sandboxes::foresee_unenforced();
  std::vector<std::string_view> limits;
  if ((missing & container::kUnenforcedMemory) != 0) limits.emplace_back("memory of a pack as a whole");
  if ((missing & container::kUnenforcedCpu) != 0) limits.emplace_back("shares of the processors");
  if ((missing & container::kUnenforcedProcesses) != 0) limits.emplace_back("number of processes");
  Check check{"cgroups and limits", Health::kGood, fmt::format("{}", fmt::join(found, ", ")), ""};
  if (!limits.empty()) {
    check.health = Health::kLimited;
    check.found += fmt::format("; the sandbox driver cannot limit: {}", fmt::join(limits, ", "));
    check.advice =
        "run the invoker as root, or have a cgroup with the controllers memory and cpu delegated to its user "
        "(systemd-run --user --scope -p Delegate=yes gust invoker …)";
  }
  return check;
}

Check check_open_files() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_max >= kEnoughFiles) return {"open files", Health::kGood, std::to_string(files.rlim_max), ""};
  return {"open files", Health::kLimited, fmt::format("at most {}, some {} packs", files.rlim_max, files.rlim_max / 6),
          "raise the hard limit (ulimit -Hn)"};
}

Check check_program(std::string name, const std::vector<std::string>& any_of, std::string_view what_for,
                    std::string_view package) {
  for (const std::string& program : any_of) {
    if (is_in_path(program)) return {std::move(name), Health::kGood, program, ""};
  }
  return {std::move(name), Health::kMissing, fmt::format("not there; {}", what_for),
          fmt::format("apt install {}", package)};
}

}  // namespace

std::vector<Check> check_drivers(const Config& config) {
  std::vector<Check> checks;
  for (const char* name : {"process", "sandbox", "oci"}) checks.push_back(check_driver(config, name));
  return checks;
}

std::vector<Check> check_kernel() {
  utsname system{};
  ::uname(&system);
  const bool seccomp = ::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
  return {
      {"kernel", Health::kGood, fmt::format("{} {}", system.sysname, system.release), ""},
      {"user", Health::kGood, ::geteuid() == 0 ? "root" : fmt::format("ordinary user {}", ::geteuid()), ""},
      check_user_namespaces(),
      {"seccomp", seccomp ? Health::kGood : Health::kMissing, seccomp ? "there" : "the kernel was built without it",
       seccomp ? "" : "use a kernel with CONFIG_SECCOMP_FILTER"},
      check_cgroups(),
      check_open_files(),
  };
}

std::vector<Check> check_programs() {
  return {
      check_program("compiler", {"c++", "g++", "clang++"}, "gust build compiles workers with it", "g++"),
      check_program("gnuplot", {"gnuplot"}, "gust plot draws figures with it", "gnuplot-nox"),
      check_program("skopeo", {"skopeo"}, "gust image import needs it for all but plain archives", "skopeo"),
      check_program("umoci", {"umoci"}, "gust image import needs it for all but plain archives", "umoci"),
      check_program("OCI runtime", {"runc", "crun", "runsc", "/usr/sbin/runc"}, "the driver oci runs it", "runc"),
  };
}

std::vector<Check> check_addresses(const Config& config) {
  std::vector<Check> checks;
  const auto check = [&](const std::string& name, const std::string& address) {
    if (address.starts_with("unix:")) return;
    const auto parsed = parse_host_port(address);
    if (!parsed) {
      checks.push_back({name, Health::kMissing, parsed.error().message, ""});
      return;
    }
    boost::asio::io_context io;
    boost::system::error_code error;
    const auto host = boost::asio::ip::make_address(parsed->host, error);
    boost::asio::ip::tcp::acceptor acceptor(io);
    if (!error) acceptor.open(boost::asio::ip::tcp::endpoint(host, parsed->port).protocol(), error);
    if (!error) acceptor.set_option(boost::asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind({host, parsed->port}, error);
    if (!error) acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
    checks.push_back({name, error ? Health::kLimited : Health::kGood,
                      fmt::format("{} {}", address, error ? error.message() : "is free"),
                      error ? "unless a controller of yours has it, choose another one (--listen)" : ""});
  };
  check("clients' address", config.listen);
  check("invokers' address", config.invoker_listen);
  return checks;
}

}  // namespace gust::cli
