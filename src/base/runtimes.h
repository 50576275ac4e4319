// The manifest of runtimes: what the kinds and the image names that clients ask for stand for on this cluster's
// machines. Clients of OpenWhisk name images of public registries; an operator says here what runs in their place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gust {

/// As Runtime::server: the command that an image has of its own.
inline constexpr std::string_view kOwnServer = "*";

/// One row. Without `image`, `python` and `server` the name stands for the host's own programs.
struct Runtime {
  std::string name;    ///< a kind or an image's name; * stands for any text
  std::string image;   ///< in the image store of the invokers' machines; "*" for the one that is called as asked
  std::string python;  ///< absolute: a folder with bin/python3, a virtualenv or a Python's prefix; empty for the first
                       ///< of PATH. On the invokers' machines, or in the image where there is one
  /// Command line of a server of OpenWhisk's action containers, which runs the code, whatever that is: words with
  /// spaces between them, the first absolute or in PATH; "*" for the image's own command. Empty for none.
  std::string server;
  friend bool operator==(const Runtime&, const Runtime&) = default;
};
using Runtimes = std::vector<Runtime>;

/// Where an action's packs run.
struct RuntimePlace {
  std::string image;        ///< empty for the host's own programs
  std::string python = {};  ///< as Runtime::python
  std::string server = {};  ///< as Runtime::server
  friend bool operator==(const RuntimePlace&, const RuntimePlace&) = default;
};

/// Reads "NAME=WHAT[,WHAT];NAME=…" with WHAT one of image:NAME, python:FOLDER, http:COMMAND, http (the
/// image's own command) and host. A python that ends in /bin/python3 stands for its folder. kInvalid, saying which part
/// is wrong.
Result<Runtimes> parse_runtimes(std::string_view text);
/// The same text again.
std::string to_string(const Runtimes& runtimes);

/// The folders of the Pythons that are not in an image, each once.
std::vector<std::string> host_pythons(const Runtimes& runtimes);

/// The first row whose name matches; null when none does. "docker.io/" and "docker.io/library/" in front of a name make
/// no difference, as for Docker.
const Runtime* find_runtime(const Runtimes& runtimes, std::string_view name);

/// Where packs of this kind run that ask for this image (empty for none): as the first row that matches the image says,
/// or without an image the kind; else in the image itself.
RuntimePlace place_runtime(const Runtimes& runtimes, std::string_view kind, const std::string& image);

}  // namespace gust
