// gust up: a whole cluster on this machine, a controller and some invokers, until Ctrl-C.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>

#include "base/children.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/ids.h"
#include "base/json.h"
#include "cli/api_client.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/positive.h"
#include "cli/state.h"
#include "cli/temporary_dir.h"
#include "container/make_driver.h"
#include "invoker/capacity.h"
#include "store/records.h"

namespace gust::cli {

namespace {

constexpr std::chrono::seconds kReadyPatience(30);
// The controller cancels what runs and removes what flares have left on servers.
constexpr std::chrono::seconds kFarewell(5);
constexpr const char* kController = "the controller";

// What `gust up` waits for: the ends of children, and the user's wish to end.
sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGCHLD, SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  return set;
}

// The configuration file that makes other commands of this user find us; removed at the end, unless it is another's.
class UpFile {
 public:
  Result<void> write(const Config& config) {
    const std::filesystem::path file = up_file();
    std::error_code error;
    std::filesystem::create_directories(file.parent_path(), error);
    ::chmod(file.parent_path().c_str(), 0700);
    std::filesystem::remove(file, error);
    const UniqueFd fd(::open(file.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600));
    // Strings of JSON are strings of TOML.
    text_ = fmt::format("endpoint = {}\napi_key = {}\nca_file = {}\n", dump_json(config.endpoint),
                        dump_json(config.api_key), dump_json(config.ca_file.string()));
    if (!fd || ::write(fd.get(), text_.data(), text_.size()) != static_cast<ssize_t>(text_.size())) {
      return fail_errno("write " + file.string(), errno);
    }
    return {};
  }
  UpFile() = default;
  UpFile(const UpFile&) = delete;
  UpFile& operator=(const UpFile&) = delete;
  ~UpFile() {
    std::ifstream file(up_file());
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    std::error_code ignored;
    if (!text_.empty() && text == text_) std::filesystem::remove(up_file(), ignored);
  }

 private:
  std::string text_;
};

class Up {
 public:
  Up(Config config, std::uint32_t invokers, int ready_fd)
      : config_(std::move(config)), invokers_(invokers), ready_fd_(ready_fd) {
    if (ready_fd_) ::fcntl(ready_fd_.get(), F_SETFD, FD_CLOEXEC);  // our children have no part in it
  }

  Result<ExitCode> run() {
    const sigset_t awaited = awaited_signals();
    ::sigprocmask(SIG_BLOCK, &awaited, nullptr);
    const SteadyTime began = std::chrono::steady_clock::now();
    notice_ = GUST_TRY(container::driver_notice(config_.driver));
    decide_capacity();
    GUST_TRY_VOID(state_.create("gust-up"));
    GUST_TRY_VOID(try_driver());
    if (config_.api_key.empty()) config_.api_key = "guest:" + random_hex_id();
    GUST_TRY_VOID(start_controller());
    for (std::uint32_t i = 0; i < invokers_; ++i) GUST_TRY_VOID(start_invoker(i));
    const Result<bool> ready = wait_until_ready();
    if (!ready) return std::unexpected(ready.error());
    if (!*ready) return kExitOk;  // stopped by the user while starting
    if (ready_fd_) {
      tell_parent();
    } else {
      GUST_TRY_VOID(up_file_.write(config_));
      announce(began);
    }
    return watch();
  }

 private:
  // Slots and memory of each invoker: as told, or an equal share of what the machine has.
  void decide_capacity() {
    if (config_.slots == 0) config_.slots = std::max(1U, invoker::detect_slots() / invokers_);
    if (config_.memory == Bytes()) {
      // Slots beyond the machine's are a wish to oversubscribe; memory follows it, or g = 1 would never fit.
      const Bytes share(invoker::detect_memory().count() / invokers_);
      config_.memory = std::max(share, store::ActionLimits{}.memory * config_.slots);
    }
  }

  // What forbids its containers here is told once, and before anything runs: not by every invoker.
  Result<void> try_driver() const {
    container::DriverOptions options;
    options.state_dir = (state_.path() / "trial").string();
    options.network = config_.network == "none" ? container::Network::kNone : container::Network::kHost;
    options.pythons = host_pythons(config_.runtimes);
    GUST_TRY(container::make_driver(config_.driver, options));
    return {};
  }

  Result<void> start_controller() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe", errno);
    controllers_word_ = UniqueFd(ends[0]);
    const UniqueFd write_end(ends[1]);
    Children::Command command;
    command.name = kController;
    command.keep_fd = write_end.get();
    command.arguments = {"controller",
                         "--listen",
                         config_.listen,
                         "--invoker-listen",
                         socket(),
                         "--state-dir",
                         (state_.path() / "controller").string(),
                         "--ready-fd",
                         std::to_string(write_end.get()),
                         "--cancel-on-sigterm"};
    command.environment = {"GUST_API_KEY=" + config_.api_key,
                           "GUST_TRANSPORT=" + config_.transport,
                           "GUST_LOG_LEVEL=" + config_.log_level,
                           "GUST_QUEUE_LIMIT=" + std::to_string(config_.queue_limit),
                           "GUST_STATE=" + config_.state.string(),
                           "GUST_RETAIN_FLARES=" + std::to_string(config_.retain_flares),
                           fmt::format("GUST_RETAIN_BYTES={}", config_.retain_bytes.count()),
                           fmt::format("GUST_RETAIN_AGE={}ms", config_.retain_age.count()),
                           "GUST_QUOTAS=" + find_setting("quotas")->get(config_),
                           "GUST_WEIGHTS=" + find_setting("weights")->get(config_),
                           fmt::format("GUST_AGEING={}ms", config_.ageing.count()),
                           fmt::format("GUST_HALF_LIFE={}ms", config_.half_life.count()),
                           "GUST_RECORD=" + config_.record.string(),
                           fmt::format("GUST_RECORD_LIMIT={}", config_.record_limit.count()),
                           fmt::format("GUST_INVOKER_SILENCE={}ms", config_.invoker_silence.count()),
                           "GUST_REDIS=" + config_.redis,
                           "GUST_RABBITMQ=" + config_.rabbitmq,
                           "GUST_S3=" + config_.s3,
                           "GUST_RUNTIMES=" + to_string(config_.runtimes)};
    if (!config_.image_dir.empty()) {
      command.environment.push_back("GUST_IMAGE_DIR=" + std::filesystem::absolute(config_.image_dir).string());
    }
    if (!config_.tls_certificate.empty()) {
      command.environment.push_back("GUST_TLS_CERTIFICATE=" +
                                    std::filesystem::absolute(config_.tls_certificate).string());
      command.environment.push_back("GUST_TLS_KEY=" + std::filesystem::absolute(config_.tls_key).string());
    }
    return children_.spawn(command);
  }

  Result<void> start_invoker(std::uint32_t index) {
    Children::Command command;
    command.name = fmt::format("invoker-{}", index);
    command.arguments = {"invoker",
                         "--controller",
                         socket(),
                         "--name",
                         command.name,
                         "--slots",
                         std::to_string(config_.slots),
                         "--memory",
                         std::to_string(config_.memory.count()),
                         "--driver",
                         config_.driver,
                         "--network",
                         config_.network,
                         "--oci-runtime",
                         config_.oci_runtime,
                         "--pack-start",
                         config_.pack_start,
                         "--prewarm",
                         std::to_string(config_.prewarm),
                         "--prewarm-python",
                         std::to_string(config_.prewarm_python),
                         "--start-patience-ms",
                         std::to_string(std::chrono::milliseconds(kReadyPatience).count()),
                         "--state-dir",
                         (state_.path() / command.name).string()};
    if (!config_.image_dir.empty()) {
      command.arguments.insert(command.arguments.end(), {"--image-dir", config_.image_dir.string()});
    }
    command.environment = {"GUST_LOG_LEVEL=" + config_.log_level, "GUST_RUNTIMES=" + to_string(config_.runtimes),
                           "GUST_DRAIN_TIME=0ms", fmt::format("GUST_CODE_CACHE={}", config_.code_cache.count()),
                           fmt::format("GUST_CONTROLLER_GRACE={}ms", config_.controller_grace.count())};
    return children_.spawn(command);
  }

  // False when a signal asked for the end.
  Result<bool> wait_until_ready() {
    const SteadyTime deadline = std::chrono::steady_clock::now() + kReadyPatience;
    GUST_TRY_VOID(read_controllers_word());
    ApiClient api = GUST_TRY(ApiClient::create(config_));
    for (;;) {
      const Json status = GUST_TRY(api.get("/gust/status"));
      if (status.at("invokers").size() == invokers_) return true;
      if (const auto ended = children_.reap()) {
        return fail(ErrorCode::kInternal,
                    fmt::format("{} {} while starting", ended->name, describe_wait_status(ended->wait_status)));
      }
      if (std::chrono::steady_clock::now() > deadline) {
        return fail(ErrorCode::kTimedOut,
                    fmt::format("{} of {} invokers had joined after {} s; is the machine overloaded?",
                                status.at("invokers").size(), invokers_, kReadyPatience.count()));
      }
      const sigset_t awaited = awaited_signals();
      const timespec pause{.tv_sec = 0, .tv_nsec = 5'000'000};
      const int signal = ::sigtimedwait(&awaited, nullptr, &pause);
      if (signal > 0 && signal != SIGCHLD) return false;
    }
  }

  // The controller tells where it listens, or dies having said why on standard error.
  Result<void> read_controllers_word() {
    std::string word;
    char piece[512];
    for (ssize_t got = 0; (got = ::read(controllers_word_.get(), piece, sizeof piece)) > 0;) {
      word.append(piece, static_cast<std::size_t>(got));
    }
    if (word.empty()) return fail(controllers_failure(), "the controller did not start");
    const Json ready = GUST_TRY(parse_json(word, "the controller's first word"));
    config_.endpoint = ready.at("endpoint").get<std::string>();
    config_.ca_file = ready.at("certificate").get<std::string>();
    return {};
  }

  // Whose fault it was that it did not start, by its exit code: our input's, or the machine's.
  ErrorCode controllers_failure() {
    const SteadyTime deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    const sigset_t awaited = awaited_signals();
    const timespec pause{.tv_sec = 0, .tv_nsec = 5'000'000};
    while (std::chrono::steady_clock::now() < deadline) {
      while (const auto ended = children_.reap()) {
        if (ended->name != kController) continue;
        const bool refused = WIFEXITED(ended->wait_status) && WEXITSTATUS(ended->wait_status) == kExitUsage;
        return refused ? ErrorCode::kInvalid : ErrorCode::kUnavailable;
      }
      const int signal = ::sigtimedwait(&awaited, nullptr, &pause);
      if (signal > 0 && signal != SIGCHLD) break;
    }
    return ErrorCode::kUnavailable;
  }

  // Another program runs us and finds us by this, not by the user's file.
  void tell_parent() {
    const std::string text = dump_json({{"endpoint", config_.endpoint}, {"certificate", config_.ca_file.string()}});
    if (::write(ready_fd_.get(), text.data(), text.size()) < 0) std::perror("gust: telling the parent process");
    ready_fd_.reset();
  }

  void announce(SteadyTime began) const {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    fmt::print("controller at {}, {} invokers of {} slots and {} each, driver {}\n", config_.endpoint, invokers_,
               config_.slots, to_string(config_.memory), config_.driver);
    fmt::print("state {}\n", describe_state(config_));
    if (!notice_.empty()) fmt::print("notice: {}\n", notice_);
    fmt::print("ready after {:.2f} s; gust commands of this user find it by themselves; Ctrl-C ends it\n",
               took.count());
    std::fflush(stdout);
  }

  Result<ExitCode> watch() {
    const sigset_t awaited = awaited_signals();
    for (;;) {
      const int signal = ::sigwaitinfo(&awaited, nullptr);
      if (signal > 0 && signal != SIGCHLD) {
        // The controller first: without it nobody takes the invokers' end for a loss.
        children_.stop(kController, kFarewell);
        children_.stop(kFarewell);
        return kExitOk;
      }
      while (const auto ended = children_.reap()) {
        fmt::print(stderr, "gust: {} (process {}) {}\n", ended->name, ended->pid,
                   describe_wait_status(ended->wait_status));
        if (ended->name == kController)
          return fail(ErrorCode::kUnavailable, "the controller ended; so do its invokers");
        if (children_.size() == 1) return fail(ErrorCode::kUnavailable, "no invoker is left");
      }
    }
  }

  [[nodiscard]] std::string socket() const { return "unix:" + (state_.path() / "invokers.sock").string(); }

  Config config_;
  std::uint32_t invokers_;
  UniqueFd ready_fd_;
  std::string notice_;
  TemporaryDir state_;
  UniqueFd controllers_word_;
  UpFile up_file_;
  Children children_;  // last: ended before their files go
};

}  // namespace

void add_up(CLI::App& app, Chosen& chosen) {
  CLI::App* sub = app.add_subcommand("up", "Run a controller and invokers on this machine, until Ctrl-C");
  sub->footer("Example:\n  gust up --invokers 20 --slots 48\n\nThen, in another terminal: gust status");
  auto invokers = std::make_shared<std::uint32_t>(1);
  auto options = std::make_shared<Options>(*sub);
  sub->add_option("--invokers", *invokers, "Number of invokers")->capture_default_str()->check(positive());
  options->add("--slots", "slots")
      .add("--memory", "memory")
      .add("--driver", "driver")
      .add("--network", "network")
      .add("--oci-runtime", "oci_runtime")
      .add("--pack-start", "pack_start")
      .add("--prewarm", "prewarm")
      .add("--prewarm-python", "prewarm_python")
      .add("--controller-grace", "controller_grace")
      .add("--code-cache", "code_cache")
      .add_controller();
  auto ready_fd = std::make_shared<int>(-1);
  sub->add_option("--ready-fd", *ready_fd, "File descriptor on which to tell that it is ready")->group("");
  sub->callback([&chosen, options, invokers, ready_fd] {
    chosen.run = [options, invokers, ready_fd] {
      const auto config = options->load();
      if (!config) return report(config.error());
      Up up(*config, *invokers, *ready_fd);
      const Result<ExitCode> code = up.run();
      return code ? static_cast<int>(*code) : report(code.error());
    };
  });
}

}  // namespace gust::cli
