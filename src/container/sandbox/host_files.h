// What of the host packs without an image see.
#pragma once

namespace gust::container {

/// Programs and libraries. Where the host has links to /usr they are made again, so that there are few mounts.
inline constexpr const char* kProgramDirectories[] = {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};
/// What programs look up and what holds no secrets. Copied, as the files are when the launcher starts.
inline constexpr const char* kCopiedFiles[] = {
    "/etc/nsswitch.conf",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/host.conf",
    "/etc/ld.so.cache",
    "/etc/services",
    "/etc/protocols",
    "/etc/timezone",
    "/etc/mime.types",
    "/sys/devices/system/cpu/online",
    "/sys/devices/system/cpu/possible",
    "/sys/devices/system/cpu/present",
};
inline constexpr const char* kShownDirectories[] = {"/etc/alternatives", "/etc/ssl/certs"};
inline constexpr char kPasswd[] = "root:x:0:0:root:/:/usr/sbin/nologin\ngust:x:1000:1000:gust:/tmp:/bin/sh\n";
inline constexpr char kGroup[] = "root:x:0:\ngust:x:1000:\n";

}  // namespace gust::container
