// The configuration: one struct, filled from a TOML file, then the environment (GUST_…), then flags, each overriding
// the one before. Every setting is one row of settings(): its name, its variable, its parser, its printer.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/runtimes.h"

namespace gust {

/// Written as "guest=480, lab=96".
using NamespaceNumbers = std::map<std::string, std::uint32_t, std::less<>>;

struct Config {
  // What commands that use a controller need to know.
  std::string endpoint = "https://127.0.0.1:3233";
  std::string api_key;            ///< "user:key"; a key without a colon stands for "gust:key"
  std::filesystem::path ca_file;  ///< certificates to trust beside the system's
  bool insecure = false;          ///< do not verify the controller's certificate

  // The controller.
  std::string listen = "127.0.0.1:3233";          ///< for clients
  std::string invoker_listen = "127.0.0.1:3234";  ///< for invokers: host:port or unix:/path
  std::string transport = "both";                 ///< "both" (plain and TLS on one port), "tls" or "plain"
  std::filesystem::path tls_certificate;          ///< PEM; empty: one is made
  std::filesystem::path tls_key;
  std::uint32_t queue_limit = 10'000;       ///< flares that may wait
  std::filesystem::path state;              ///< folder of what survives a restart; empty: it is kept in memory
  std::uint32_t retain_flares = 100'000;    ///< ended flares that are kept
  Bytes retain_bytes;                       ///< of them together; 0: 512 MB in memory, 4 GB in a folder
  std::chrono::milliseconds retain_age{0};  ///< since they ended; 0: any
  NamespaceNumbers quotas;   ///< slots that a namespace's flares may hold at once; others are not limited
  NamespaceNumbers weights;  ///< share of the cluster that a namespace may use; 1 for others
  std::chrono::milliseconds ageing{300'000};     ///< of waiting that is worth a step of priority
  std::chrono::milliseconds half_life{300'000};  ///< after which a namespace's use counts half
  std::filesystem::path record;                  ///< file of the scheduler's decisions; empty for none
  Bytes record_limit = Bytes::mb(1024);          ///< of that file; what comes later is not written down
  std::chrono::milliseconds invoker_silence{3'000};
  bool invoker_tls = false;       ///< ask invokers for certificates even where no join token is configured
  std::filesystem::path join_ca;  ///< PEM: the authority of invokers' certificates, with its key; empty: one is made
  std::chrono::milliseconds certificate_life{std::chrono::days(7)};  ///< of what it signs
  // Servers by way of which packs may talk (src/transport/backend.h has the forms); empty: there is none.
  std::string redis;
  std::string rabbitmq;
  std::string s3;

  // An invoker.
  std::string controller = "127.0.0.1:3234";  ///< where to join
  std::string invoker_name;                   ///< empty: the host's name and the process id
  std::uint32_t slots = 0;                    ///< 0: one for each processor
  Bytes memory;                               ///< 0: what the machine has
  std::string driver = "sandbox";
  std::string oci_runtime = "runc";                    ///< of the driver oci: a program's name or path
  std::filesystem::path image_dir;                     ///< empty: as container::ImageStore::default_directory()
  std::string network = "host";                        ///< of packs: "host" or "none"
  std::string pack_start = "fork";                     ///< "fork" from gust-launcher, or "exec" gust-pack anew
  std::uint32_t prewarm = 0;                           ///< empty containers that are kept ready
  std::uint32_t prewarm_python = 0;                    ///< further ones, each with an interpreter of kind python:3
  std::chrono::milliseconds drain_time{0};             ///< for an invoker's packs to end after SIGTERM
  Bytes code_cache = Bytes::mb(4096);                  ///< of packages that an invoker keeps
  std::string status_listen;                           ///< of an invoker, for monitoring; empty: nothing is served
  std::chrono::milliseconds controller_grace{10'000};  ///< how long to look for an absent controller

  // Both.
  Runtimes runtimes;  ///< what kinds and image names stand for
  std::string join_token;
  std::filesystem::path state_dir;  ///< empty: a temporary one, removed at the end
  std::string log_level = "warning";
};

enum class Secrecy : std::uint8_t { kPublic, kSecret };

struct Setting {
  std::string_view name;      ///< key in the file, and of `gust config`
  std::string_view variable;  ///< in the environment
  std::string_view help;
  Secrecy secrecy = Secrecy::kPublic;
  std::function<Result<void>(Config&, std::string_view)> set;
  std::function<std::string(const Config&)> get;
};

std::span<const Setting> settings();

/// Null when there is no such setting.
const Setting* find_setting(std::string_view name);

/// kInvalid names file, line and column: not TOML, an unknown key, a value that its setting refuses. kNotFound.
Result<void> load_file(Config& config, const std::filesystem::path& file);

/// Every GUST_… variable that is set. kInvalid names the variable.
Result<void> load_environment(Config& config);

/// Reads "250ms", "3s", "2m", "12h", "7d" or a bare number of milliseconds. kInvalid otherwise.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// "host:port" with the host "127.0.0.1" when only a port is given. kInvalid otherwise.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
Result<HostPort> parse_host_port(std::string_view text);

}  // namespace gust
