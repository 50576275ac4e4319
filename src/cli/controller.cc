// gust controller: the REST surface for clients and the stream for invokers, in one process.
#include "controller/controller.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/thread_pool.hpp>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <thread>

#include "base/certificate.h"
#include "base/children.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/policy.h"
#include "cli/state.h"
#include "container/images/image_store.h"
#include "controller/registrar.h"
#include "http/server.h"
#include "openwhisk/api.h"

namespace gust::cli {

namespace {

namespace asio = boost::asio;

Result<http::Transport> transport_of(const Config& config) {
  if (config.transport == "tls") return http::Transport::kTlsOnly;
  if (config.transport == "plain") return http::Transport::kPlainOnly;
  return http::Transport::kPlainAndTls;
}

std::map<std::string, std::string, std::less<>> backends_of(const Config& config) {
  std::map<std::string, std::string, std::less<>> uris;
  for (const char* setting : {"redis", "rabbitmq", "s3"}) {
    const std::string uri = find_setting(setting)->get(config);
    if (!uri.empty()) uris[setting] = uri;
  }
  return uris;
}

// As far as that can be had: a volume may be another user's and ours to write.
void make_private(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  ::chmod(folder.c_str(), 0700);
}

// The certificate, and the file in which clients find what to trust: empty when it is given from outside and need not
// be trusted specially.
struct Identity {
  http::Certificate certificate;
  std::filesystem::path file;
};

Result<Identity> identity_of(const Config& config, const std::string& host) {
  if (!config.tls_certificate.empty()) {
    return Identity{GUST_TRY(http::load_certificate(config.tls_certificate, config.tls_key)), config.tls_certificate};
  }
  Identity own;
  if (config.state.empty()) {
    own.certificate = GUST_TRY(http::make_certificate({host}));
  } else {
    make_private(config.state);
    own.certificate = GUST_TRY(http::keep_certificate(config.state / "server.pem", {host}));
  }
  if (config.state_dir.empty()) return own;
  make_private(config.state_dir);
  own.file = config.state_dir / "certificate.pem";
  GUST_TRY_VOID(write_whole_file(own.file, own.certificate.chain));
  return own;
}

container::ImageStore image_store(const Config& config) {
  return container::ImageStore(config.image_dir.empty() ? container::ImageStore::default_directory()
                                                        : config.image_dir);
}

/// Why nobody joins this controller by a token, or nothing.
std::string why_no_tokens(const Config& config) {
  if (config.invoker_listen.starts_with("unix:")) {
    return "invokers of this controller join through its Unix socket: who may open that needs no token";
  }
  if (config.join_token.empty() && !config.invoker_tls) {
    return "this controller speaks without TLS to its invokers, and anybody may join; start it with --join-token or "
           "--invoker-tls";
  }
  return {};
}

/// Survives with the state, if there is a folder for that; else every start of the controller has its own.
Result<Certificate> authority_of(const Config& config) {
  if (!config.join_ca.empty()) {
    std::error_code ignored;
    if (std::filesystem::exists(config.join_ca, ignored)) return controller::load_or_make_authority(config.join_ca);
    return fail(ErrorCode::kInvalid, fmt::format("join_ca: there is no file {}", config.join_ca.string()));
  }
  const std::filesystem::path folder = config.state.empty() ? config.state_dir : config.state;
  if (folder.empty()) return make_authority("gust", std::chrono::years(1));
  make_private(folder);
  return controller::load_or_make_authority(folder / "join-ca.pem");
}

Result<std::shared_ptr<const controller::Registrar>> registrar_of(const Config& config,
                                                                  const store::TokenStore& tokens) {
  constexpr std::size_t kHardToGuess = 16;
  if (!why_no_tokens(config).empty()) return nullptr;
  if (config.certificate_life < std::chrono::seconds(1)) {
    return fail(ErrorCode::kInvalid, "certificate_life is below a second; days are usual");
  }
  if (!config.join_token.empty() && config.join_token.size() < kHardToGuess) {
    spdlog::warn(
        "the join token has {} characters: who reaches {} may guess it; openssl rand -hex 16 makes a better one",
        config.join_token.size(), config.invoker_listen);
  }
  return controller::Registrar::create(
      {.authority = GUST_TRY(authority_of(config)),
       .join_token = config.join_token,
       .certificate_life = std::chrono::duration_cast<std::chrono::seconds>(config.certificate_life)},
      tokens);
}

// Tells `gust up` where we listen: one JSON object, then the end of the stream.
void say_ready(int ready_fd, const Config& config, const std::string& endpoint, const std::string& invokers,
               const Identity& identity) {
  const Json word = {{"endpoint", endpoint}, {"invokers", invokers}, {"certificate", identity.file.string()}};
  if (ready_fd < 0) {
    fmt::print("controller at {}, invokers join at {}, state {}\n", endpoint, invokers, describe_state(config));
    std::fflush(stdout);
    return;
  }
  const UniqueFd fd(ready_fd);
  const std::string text = dump_json(word);
  if (::write(fd.get(), text.data(), text.size()) < 0) spdlog::warn("cannot tell the parent process that we are ready");
}

/// What `gust up` tells its controller; not for people.
struct Session {
  int ready_fd = -1;
  bool cancel_on_sigterm = false;  ///< what runs ends with the session
};

Result<ExitCode> run_controller(const Config& config, const Session& session) {
  if (config.api_key.empty()) {
    return fail(ErrorCode::kInvalid,
                fmt::format("a controller needs a key for its clients: set GUST_API_KEY, for example to gust:{}",
                            random_hex_id()));
  }
  const HostPort address = GUST_TRY(parse_host_port(config.listen));
  const http::Transport transport = GUST_TRY(transport_of(config));
  std::optional<Identity> identity;
  if (transport != http::Transport::kPlainOnly) identity = GUST_TRY(identity_of(config, address.host));

  // Half of the cores: the invokers' streams have a thread of their own, and each thread more is one to wake.
  const unsigned threads = std::clamp(std::thread::hardware_concurrency() / 2, 1U, 8U);
  asio::io_context io(static_cast<int>(threads));
  State state = GUST_TRY(State::open(config));
  const std::shared_ptr<const controller::Registrar> registrar = GUST_TRY(registrar_of(config, state.stores().tokens));
  const std::filesystem::path folder = std::filesystem::path(GUST_TRY(own_path())).parent_path();
  const auto controller = GUST_TRY(controller::Controller::create(io,
                                                                  {.invoker_listen = config.invoker_listen,
                                                                   .join_token = config.join_token,
                                                                   .registrar = registrar,
                                                                   .policy = policy_of(config),
                                                                   .invoker_silence = config.invoker_silence,
                                                                   .backends = backends_of(config),
                                                                   .backend_directory = folder.string(),
                                                                   .runtimes = config.runtimes,
                                                                   .record_file = config.record,
                                                                   .record_limit = config.record_limit},
                                                                  state.stores()));
  openwhisk::KeyTable keys;
  keys.add(config.api_key, "guest", openwhisk::Role::kOperator);
  asio::thread_pool readers(1);  // of what may wait for a disk
  openwhisk::ApiOptions api_options;
  api_options.version = GUST_VERSION;
  api_options.runtimes = config.runtimes;
  api_options.no_tokens = why_no_tokens(config);
  api_options.has_image = [images = image_store(config)](const std::string& name) {
    return images.hold(name).has_value();
  };
  if (!config.state.empty()) {
    api_options.reader = [&readers](std::move_only_function<void()> work) { asio::post(readers, std::move(work)); };
  }
  openwhisk::Api api(*controller, state.stores(), std::move(keys), std::move(api_options));
  http::ServerOptions options;
  options.address = address.host;
  options.port = address.port;
  options.transport = transport;
  const auto server = GUST_TRY(http::Server::start(
      io, options, identity ? std::optional(identity->certificate) : std::nullopt,
      [&api](http::Request request, http::Responder respond) { api.handle(std::move(request), std::move(respond)); }));

  // Ctrl-C ends what runs; whoever supervises this process sends SIGTERM, and starts it again.
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](boost::system::error_code error, int signal) {
    if (error) return;
    server->stop();
    const bool leave = signal == SIGTERM && !session.cancel_on_sigterm;
    controller->shut_down(leave ? controller::OpenFlares::kLeave : controller::OpenFlares::kCancel,
                          [&io] { io.stop(); });
  });
  const bool tls = transport != http::Transport::kPlainOnly;
  const bool is_v6 = address.host.find(':') != std::string::npos;
  say_ready(session.ready_fd, config,
            fmt::format("{}://{}:{}", tls ? "https" : "http", is_v6 ? "[" + address.host + "]" : address.host,
                        server->port()),
            controller->invoker_address(), identity.value_or(Identity{}));

  std::vector<std::thread> others;
  for (unsigned i = 1; i < threads; ++i) others.emplace_back([&io] { io.run(); });
  io.run();
  for (std::thread& thread : others) thread.join();
  readers.join();
  return kExitOk;
}

}  // namespace

void add_controller(CLI::App& app, Chosen& chosen) {
  CLI::App* sub = app.add_subcommand("controller", "Run a controller: clients and invokers connect to it");
  sub->footer(
      "Example:\n  GUST_API_KEY=me:$(openssl rand -hex 16) gust controller --listen 0.0.0.0:3233 "
      "--invoker-listen 0.0.0.0:3234\n"
      "With --state, SIGTERM leaves what runs and waits to the next controller with that state; Ctrl-C cancels it.");
  auto options = std::make_shared<Options>(*sub);
  options->add_controller()
      .add("--invoker-listen", "invoker_listen")
      .add("--join-token", "join_token")
      .add("--invoker-tls", "invoker_tls")
      .add("--join-ca", "join_ca")
      .add("--certificate-life", "certificate_life")
      .add("--state-dir", "state_dir");
  auto session = std::make_shared<Session>();
  sub->add_option("--ready-fd", session->ready_fd, "File descriptor on which to tell that it is ready")->group("");
  sub->add_flag("--cancel-on-sigterm", session->cancel_on_sigterm, "SIGTERM ends what runs, like Ctrl-C")->group("");
  sub->callback([&chosen, options, session] {
    chosen.run = [options, session] {
      const auto config = options->load();
      if (!config) return report(config.error());
      set_up_log("controller", config->log_level);
      const Result<ExitCode> code = run_controller(*config, *session);
      return code ? static_cast<int>(*code) : report(code.error());
    };
  });
}

}  // namespace gust::cli
