#include "cli/options.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <sys/stat.h>

namespace gust::cli {

namespace {

// The first of these that exists is read when --config and GUST_CONFIG name none.
std::filesystem::path default_file() {
  const char* home = std::getenv("HOME");
  const std::filesystem::path own = std::filesystem::path(home == nullptr ? "" : home) / ".config/gust/gust.toml";
  std::error_code ignored;
  return home != nullptr && std::filesystem::exists(own, ignored) ? own : "/etc/gust/gust.toml";
}

// Others could have made the file in a shared folder to lure our key to their endpoint.
bool is_ours(const std::filesystem::path& file) {
  struct stat info{};
  return ::lstat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == ::geteuid() &&
         (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

}  // namespace

Options::Options(CLI::App& app) : app_(app) {
  app.add_option("--config", *file_, "Configuration file (TOML); default ~/.config/gust/gust.toml, /etc/gust/gust.toml")
      ->envname("GUST_CONFIG");
}

Options& Options::add(std::string_view flag, std::string_view name) {
  const Setting& setting = *find_setting(name);
  const std::string key(name);
  const std::string help = std::string(setting.help) + " [" + std::string(setting.variable) + "]";
  if (setting.get(Config{}) == "false") {
    app_.add_flag_callback(std::string(flag), [flags = flags_, key] { (*flags)[key] = "true"; }, help);
  } else {
    app_.add_option_function<std::string>(
        std::string(flag), [flags = flags_, key](const std::string& value) { (*flags)[key] = value; }, help);
  }
  return *this;
}

Options& Options::add_client() {
  return add("--endpoint", "endpoint")
      .add("--api-key", "api_key")
      .add("--ca-file", "ca_file")
      .add("--insecure", "insecure");
}

Options& Options::add_controller() {
  return add("--listen", "listen")
      .add("--transport", "transport")
      .add("--tls-certificate", "tls_certificate")
      .add("--tls-key", "tls_key")
      .add("--api-key", "api_key")
      .add("--queue-limit", "queue_limit")
      .add("--state", "state")
      .add("--retain-flares", "retain_flares")
      .add("--retain-bytes", "retain_bytes")
      .add("--retain-age", "retain_age")
      .add("--quotas", "quotas")
      .add("--weights", "weights")
      .add("--ageing", "ageing")
      .add("--half-life", "half_life")
      .add("--record", "record")
      .add("--record-limit", "record_limit")
      .add("--invoker-silence", "invoker_silence")
      .add("--redis", "redis")
      .add("--rabbitmq", "rabbitmq")
      .add("--s3", "s3")
      .add("--runtimes", "runtimes")
      .add("--image-dir", "image_dir")
      .add("--log-level", "log_level");
}

Result<Config> Options::load() const {
  Config up;
  if (is_ours(up_file())) GUST_TRY_VOID(load_file(up, up_file()));
  Config config = up;
  if (!file_->empty()) {
    GUST_TRY_VOID(load_file(config, *file_));
  } else if (const auto loaded = load_file(config, default_file());
             !loaded && loaded.error().code != ErrorCode::kNotFound) {
    return std::unexpected(loaded.error());
  }
  GUST_TRY_VOID(load_environment(config));
  for (const auto& [name, value] : *flags_) {
    if (const auto set = find_setting(name)->set(config, value); !set) {
      return std::unexpected(set.error().while_doing(name));
    }
  }
  if (config.endpoint != up.endpoint) {
    // Another controller is meant: it must not learn the key of ours.
    if (config.api_key == up.api_key) config.api_key.clear();
    if (config.ca_file == up.ca_file) config.ca_file.clear();
  }
  return config;
}

std::filesystem::path up_file() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  const std::filesystem::path folder = runtime != nullptr && *runtime != '\0'
                                           ? std::filesystem::path(runtime) / "gust"
                                           : std::filesystem::path("/tmp") / ("gust-" + std::to_string(::geteuid()));
  return folder / "up.toml";
}

void hide_secrets(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    char* value = nullptr;
    for (const std::string_view flag : {"--api-key", "--join-token", "--redis", "--rabbitmq", "--s3"}) {
      if (flag == argv[i] && i + 1 < argc) value = argv[i + 1];
      if (std::string_view(argv[i]).starts_with(std::string(flag) + "=")) value = argv[i] + flag.size() + 1;
    }
    if (value != nullptr) std::memset(value, '*', std::strlen(value));
  }
}

}  // namespace gust::cli
