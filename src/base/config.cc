#include "base/config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fmt/format.h>
#include <utility>
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "base/api_key.h"

namespace gust {

namespace {

Result<std::uint32_t> parse_count(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return fail(ErrorCode::kInvalid, fmt::format("'{}' is not a whole number", text));
  }
  return value;
}

std::string duration_text(std::chrono::milliseconds duration) {
  return duration.count() % 1000 == 0 ? fmt::format("{}s", duration.count() / 1000)
                                      : fmt::format("{}ms", duration.count());
}

// A setting that `parse` reads (text to Result) and `print` writes.
template <class T, class Parse, class Print>
Setting make(std::string_view name, std::string_view variable, T Config::* member, std::string_view help, Parse parse,
             Print print, Secrecy secrecy = Secrecy::kPublic) {
  return {name,
          variable,
          help,
          secrecy,
          [member, parse](Config& config, std::string_view value) -> Result<void> {
            config.*member = GUST_TRY(parse(value));
            return {};
          },
          [member, print](const Config& config) -> std::string { return print(config.*member); }};
}

// The kinds of setting. Each takes the member that it is about.
Setting text(std::string_view name, std::string_view variable, std::string Config::* member, std::string_view help,
             Secrecy secrecy = Secrecy::kPublic) {
  return make(
      name, variable, member, help, [](std::string_view value) -> Result<std::string> { return std::string(value); },
      [](const std::string& value) { return value; }, secrecy);
}

Setting choice(std::string_view name, std::string_view variable, std::string Config::* member,
               std::vector<std::string_view> allowed, std::string_view help) {
  const auto parse = [allowed = std::move(allowed)](std::string_view value) -> Result<std::string> {
    if (std::ranges::find(allowed, value) != allowed.end()) return std::string(value);
    return fail(ErrorCode::kInvalid, fmt::format("'{}' is not one of {}", value, fmt::join(allowed, ", ")));
  };
  return make(name, variable, member, help, parse, [](const std::string& value) { return value; });
}

Setting path(std::string_view name, std::string_view variable, std::filesystem::path Config::* member,
             std::string_view help) {
  return make(
      name, variable, member, help, [](std::string_view value) -> Result<std::filesystem::path> { return value; },
      [](const std::filesystem::path& value) { return value.string(); });
}

Setting count(std::string_view name, std::string_view variable, std::uint32_t Config::* member, std::string_view help) {
  return make(name, variable, member, help, parse_count, [](std::uint32_t value) { return std::to_string(value); });
}

Result<NamespaceNumbers> parse_numbers(std::string_view text) {
  NamespaceNumbers numbers;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    std::string_view entry = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    while (entry.starts_with(' ')) entry.remove_prefix(1);
    while (entry.ends_with(' ')) entry.remove_suffix(1);
    const std::size_t equals = entry.find('=');
    const auto number =
        equals == std::string_view::npos ? Result<std::uint32_t>(0) : parse_count(entry.substr(equals + 1));
    if (equals == 0 || !number || *number == 0) {
      return fail(
          ErrorCode::kInvalid,
          fmt::format("'{}' is not a namespace and a number from 1 on; write for example guest=480, lab=96", entry));
    }
    if (!numbers.emplace(entry.substr(0, equals), *number).second) {
      return fail(ErrorCode::kInvalid, fmt::format("namespace {} stands twice", entry.substr(0, equals)));
    }
  }
  return numbers;
}

Setting numbers(std::string_view name, std::string_view variable, NamespaceNumbers Config::* member,
                std::string_view help) {
  return make(name, variable, member, help, parse_numbers, [](const NamespaceNumbers& all) {
    std::string text;
    for (const auto& [key, number] : all) text += fmt::format("{}{}={}", text.empty() ? "" : ", ", key, number);
    return text;
  });
}

Setting size(std::string_view name, std::string_view variable, Bytes Config::* member, std::string_view help) {
  return make(name, variable, member, help, parse_bytes, [](Bytes value) { return to_string(value); });
}

Setting duration(std::string_view name, std::string_view variable, std::chrono::milliseconds Config::* member,
                 std::string_view help) {
  return make(name, variable, member, help, parse_duration, duration_text);
}

Setting runtimes(std::string_view name, std::string_view variable, Runtimes Config::* member, std::string_view help) {
  return make(name, variable, member, help, parse_runtimes, [](const Runtimes& value) { return to_string(value); });
}

Setting flag(std::string_view name, std::string_view variable, bool Config::* member, std::string_view help) {
  const auto parse = [](std::string_view value) -> Result<bool> {
    if (value == "true" || value == "false") return value == "true";
    return fail(ErrorCode::kInvalid, fmt::format("'{}' is neither true nor false", value));
  };
  return make(name, variable, member, help, parse, [](bool value) { return std::string(value ? "true" : "false"); });
}

/// [[runtimes]] as one text: tables are how people write them in a file, a line what variables and flags can hold.
Result<std::string> runtimes_text(const toml::array& tables) {
  std::string text;
  for (const toml::node& node : tables) {
    std::string name;
    std::string what;
    for (const auto& [key, value] : *node.as_table()) {
      const auto* member = value.as_string();
      if (member == nullptr || member->get().find_first_of(";,") != std::string::npos) {
        return fail(ErrorCode::kInvalid, fmt::format("{} must be a text without ';' and ','", key.str()));
      }
      if (key == "name") {
        name = member->get();
      } else if (key == "http" && member->get() == kOwnServer) {
        what += what.empty() ? "http" : ",http";
      } else if (key == "image" || key == "python" || key == "http") {
        what += fmt::format("{}{}:{}", what.empty() ? "" : ",", key.str(), member->get());
      } else {
        return fail(ErrorCode::kInvalid,
                    fmt::format("a runtime has no '{}'; it has name, and image, python or http", key.str()));
      }
    }
    text += fmt::format("{}={};", name, what.empty() ? "host" : what);
  }
  return text;
}

Result<std::string> toml_text(std::string_view setting, const toml::node& node) {
  if (setting == "runtimes" && node.is_array_of_tables()) return runtimes_text(*node.as_array());
  if (const auto* value = node.as_string()) return value->get();
  if (const auto* value = node.as_integer()) return std::to_string(value->get());
  if (const auto* value = node.as_boolean()) return std::string(value->get() ? "true" : "false");
  return fail(ErrorCode::kInvalid, "expected a text, a whole number or a truth value");
}

}  // namespace

std::span<const Setting> settings() {
  static const std::vector<Setting> kSettings = {
      text("endpoint", "GUST_ENDPOINT", &Config::endpoint, "where the controller answers: https://host:port"),
      make(
          "api_key", "GUST_API_KEY", &Config::api_key, "user:secret, for clients and for the controller", parse_api_key,
          [](const std::string& key) { return key; }, Secrecy::kSecret),
      path("ca_file", "GUST_CA_FILE", &Config::ca_file, "certificates (PEM) to trust beside the system's"),
      flag("insecure", "GUST_INSECURE", &Config::insecure, "do not verify the controller's certificate"),
      text("listen", "GUST_LISTEN", &Config::listen, "the controller's address for clients"),
      text("invoker_listen", "GUST_INVOKER_LISTEN", &Config::invoker_listen,
           "the controller's address for invokers: host:port or unix:/path"),
      choice("transport", "GUST_TRANSPORT", &Config::transport, {"both", "tls", "plain"},
             "what the controller speaks to clients, on one port"),
      path("tls_certificate", "GUST_TLS_CERTIFICATE", &Config::tls_certificate,
           "the controller's certificate chain (PEM); one is made when there is none"),
      path("tls_key", "GUST_TLS_KEY", &Config::tls_key, "its private key (PEM)"),
      count("queue_limit", "GUST_QUEUE_LIMIT", &Config::queue_limit, "flares that may wait"),
      path("state", "GUST_STATE", &Config::state,
           "folder in which the controller keeps actions, keys and ended flares; they are kept in memory when not "
           "given"),
      count("retain_flares", "GUST_RETAIN_FLARES", &Config::retain_flares, "ended flares that the controller keeps"),
      size("retain_bytes", "GUST_RETAIN_BYTES", &Config::retain_bytes,
           "of their records, results and logs together; 0: 512 MB in memory, 4 GB in a folder"),
      duration("retain_age", "GUST_RETAIN_AGE", &Config::retain_age,
               "how long after their end they are kept; 0: any time"),
      numbers("quotas", "GUST_QUOTAS", &Config::quotas, "slots that a namespace may hold at once: guest=480, lab=96"),
      numbers("weights", "GUST_WEIGHTS", &Config::weights,
              "what namespaces may use, one beside the other (1 where nothing is said): guest=1, lab=3"),
      duration("ageing", "GUST_AGEING", &Config::ageing,
               "so much waiting is worth one step of priority, or half the use of the cluster"),
      duration("half_life", "GUST_HALF_LIFE", &Config::half_life, "after so long a namespace's use counts half"),
      path("record", "GUST_RECORD", &Config::record,
           "file in which the scheduler's decisions are written down, for gust simulate --replay"),
      size("record_limit", "GUST_RECORD_LIMIT", &Config::record_limit,
           "size of that file; when the next decision would pass it, nothing more is written down"),
      duration("invoker_silence", "GUST_INVOKER_SILENCE", &Config::invoker_silence,
               "an invoker that does not answer for so long is lost"),
      flag("invoker_tls", "GUST_INVOKER_TLS", &Config::invoker_tls,
           "ask invokers for certificates, as with a join token, where none is configured: gust token create makes "
           "some"),
      path(
          "join_ca", "GUST_JOIN_CA", &Config::join_ca,
          "certificate and key (PEM, one file) that sign invokers' certificates; made in the state's folder when there "
          "is none"),
      duration("certificate_life", "GUST_CERTIFICATE_LIFE", &Config::certificate_life,
               "of certificates of invokers and for them; they are renewed after two thirds of it"),
      text("redis", "GUST_REDIS", &Config::redis,
           "server of redis-list and redis-stream: redis://:password@host:6379/0", Secrecy::kSecret),
      text("rabbitmq", "GUST_RABBITMQ", &Config::rabbitmq, "server of the backend rabbitmq: amqp://user:password@host/",
           Secrecy::kSecret),
      text("s3", "GUST_S3", &Config::s3, "store of the backend s3: s3://key:secret@host:port/bucket", Secrecy::kSecret),
      text("controller", "GUST_CONTROLLER", &Config::controller, "where an invoker joins: host:port or unix:/path"),
      text("invoker_name", "GUST_INVOKER_NAME", &Config::invoker_name, "an invoker's name, unique in its cluster"),
      count("slots", "GUST_SLOTS", &Config::slots, "workers that an invoker runs at once; 0: one for each processor"),
      size("memory", "GUST_MEMORY", &Config::memory, "memory of an invoker's packs together; 0: what the machine has"),
      text("driver", "GUST_DRIVER", &Config::driver, "container driver of an invoker"),
      text("oci_runtime", "GUST_OCI_RUNTIME", &Config::oci_runtime, "runtime of the driver oci: runc, crun or a path"),
      path("image_dir", "GUST_IMAGE_DIR", &Config::image_dir,
           "images on this machine; /var/lib/gust/images for root, else ~/.local/share/gust/images"),
      choice("network", "GUST_NETWORK", &Config::network, {"host", "none"},
             "network of packs (none: drivers sandbox and oci)"),
      choice("pack_start", "GUST_PACK_START", &Config::pack_start, {"fork", "exec"},
             "how packs begin: forked from gust-launcher, or executed, each with an address space of its own layout"),
      count("prewarm", "GUST_PREWARM", &Config::prewarm, "empty containers that an invoker keeps ready"),
      count("prewarm_python", "GUST_PREWARM_PYTHON", &Config::prewarm_python,
            "further ones that it keeps ready, with a Python interpreter each"),
      duration("drain_time", "GUST_DRAIN_TIME", &Config::drain_time,
               "how long an invoker lets packs go on after SIGTERM, and takes nothing new; 0: not at all"),
      size("code_cache", "GUST_CODE_CACHE", &Config::code_cache,
           "packages that an invoker keeps, beyond those in use; 0: all that it gets"),
      text("status_listen", "GUST_STATUS_LISTEN", &Config::status_listen,
           "an invoker's address for GET /ping, /ready and /metrics; nothing is served when not given"),
      duration("controller_grace", "GUST_CONTROLLER_GRACE", &Config::controller_grace,
               "how long an invoker looks for an absent controller before it ends"),
      runtimes("runtimes", "GUST_RUNTIMES", &Config::runtimes,
               "what kinds and image names stand for: lithopscloud/*=python:/home/me/venv;python:3.9=image:py39"),
      text("join_token", "GUST_JOIN_TOKEN", &Config::join_token,
           "what invokers present to the controller; over a network it means TLS", Secrecy::kSecret),
      path("state_dir", "GUST_STATE_DIR", &Config::state_dir, "working files; a temporary folder when not given"),
      choice("log_level", "GUST_LOG_LEVEL", &Config::log_level, {"debug", "info", "warning", "error", "off"},
             "what is logged on standard error"),
  };
  return kSettings;
}

const Setting* find_setting(std::string_view name) {
  const auto all = settings();
  const auto found = std::ranges::find(all, name, &Setting::name);
  return found == all.end() ? nullptr : &*found;
}

Result<void> load_file(Config& config, const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    return fail(ErrorCode::kNotFound, fmt::format("configuration file {} does not exist", file.string()));
  }
  if (std::filesystem::is_directory(file, ignored)) {
    return fail(ErrorCode::kInvalid, fmt::format("{} is a folder, not a configuration file", file.string()));
  }
  const auto parsed = toml::parse_file(file.string());
  if (!parsed) {
    const auto& where = parsed.error().source().begin;
    return fail(ErrorCode::kInvalid,
                fmt::format("{}:{}:{}: {}", file.string(), where.line, where.column, parsed.error().description()));
  }
  for (const auto& [key, node] : parsed.table()) {
    const auto& where = node.source().begin;
    const std::string place = fmt::format("{}:{}:{}", file.string(), where.line, where.column);
    const Setting* setting = find_setting(key.str());
    if (setting == nullptr) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{}: there is no setting '{}'; gust config lists them", place, key.str()));
    }
    const auto value = toml_text(key.str(), node);
    if (!value) return std::unexpected(value.error().while_doing(place + ": " + std::string(key.str())));
    if (const auto set = setting->set(config, *value); !set) {
      return std::unexpected(set.error().while_doing(place + ": " + std::string(key.str())));
    }
  }
  return {};
}

Result<void> load_environment(Config& config) {
  for (const Setting& setting : settings()) {
    const char* value = std::getenv(std::string(setting.variable).c_str());
    if (value == nullptr) continue;
    if (const auto set = setting.set(config, value); !set) {
      return std::unexpected(set.error().while_doing(setting.variable));
    }
  }
  return {};
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, text.data() + text.size());
  constexpr std::int64_t kLongest = 1'000'000'000;  // eleven days in milliseconds, so that no product overflows
  const std::int64_t factor = unit.empty() || unit == "ms" ? 1
                              : unit == "s"                ? 1000
                              : unit == "m"                ? 60'000
                              : unit == "h"                ? 3'600'000
                              : unit == "d"                ? 86'400'000
                                                           : 0;
  if (error != std::errc() || number < 0 || number > kLongest || factor == 0) {
    return fail(ErrorCode::kInvalid,
                fmt::format("'{}' is not a duration; write for example 250ms, 3s, 2m, 12h or 7d", text));
  }
  return std::chrono::milliseconds(number * factor);
}

Result<HostPort> parse_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const std::string_view host = colon == std::string_view::npos ? "127.0.0.1" : text.substr(0, colon);
  const std::string_view port = colon == std::string_view::npos ? text : text.substr(colon + 1);
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const bool plain = !host.empty() && host.find_first_of(":[]") == std::string_view::npos;
  if (error != std::errc() || end != port.data() + port.size() || !(bracketed || plain)) {
    return fail(ErrorCode::kInvalid,
                fmt::format("'{}' is not an address; write host:port, for example 127.0.0.1:3233 or [::1]:3233", text));
  }
  return HostPort{std::string(bracketed ? host.substr(1, host.size() - 2) : host), number};
}

}  // namespace gust
