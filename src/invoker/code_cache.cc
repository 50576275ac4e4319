#include "invoker/code_cache.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <openssl/evp.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/encoding.h"
#include "base/write_all.h"

namespace gust::invoker {

namespace {

bool is_digest(std::string_view text) {
  return text.size() == 64 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// SHA-256 of bytes that come in pieces.
class Digest {
 public:
  Digest() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    GUST_CHECK(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1, "SHA-256");
  }

  void add(std::string_view bytes) {
    GUST_CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1, "SHA-256");
  }

  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    GUST_CHECK(EVP_DigestFinal_ex(context_.get(), digest.data(), &length) == 1, "SHA-256");
    return hex_encode(std::span(digest).first(length));
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

// A package of which some pieces have come. Its file goes with it unless it was kept.
class CodeCache::Incoming {
 public:
  explicit Incoming(std::filesystem::path path) : path_(std::move(path)) {}
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;
  ~Incoming() {
    if (file_) ::unlink(path_.c_str());
  }

  Result<void> add(std::string_view bytes) {
    if (!file_) {
      file_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
      if (!file_) return fail_errno("create " + path_.string(), errno);
    }
    digest_.add(bytes);
    size_ += Bytes(bytes.size());
    const auto written = write_all(file_.get(), bytes);
    if (!written) return std::unexpected(written.error().while_doing(path_.string()));
    return {};
  }

  [[nodiscard]] Bytes size() const { return size_; }

  Result<void> keep_as(const std::filesystem::path& path, std::string_view digest) {
    if (const std::string found = digest_.hex(); found != digest) {
      return fail(ErrorCode::kInvalid, "the package " + std::string(digest) + " arrived with the digest " + found);
    }
    // Closed before anybody may map it: the kernel refuses to execute a file that is open for writing.
    if (::fchmod(file_.get(), 0444) != 0) return fail_errno("make " + path_.string() + " read-only", errno);
    file_.reset();
    if (::rename(path_.c_str(), path.c_str()) != 0) {
      const int error = errno;
      ::unlink(path_.c_str());
      return fail_errno("rename " + path_.string(), error);
    }
    return {};
  }

 private:
  std::filesystem::path path_;
  UniqueFd file_;
  Digest digest_;
  Bytes size_;
};

CodeCache::CodeCache(std::filesystem::path directory) : directory_(std::move(directory)) {}
CodeCache::~CodeCache() = default;

Result<void> CodeCache::add(std::string_view digest, std::string_view bytes, Piece piece) {
  if (!is_digest(digest)) {
    return fail(ErrorCode::kInvalid, "'" + std::string(digest) + "' is not a SHA-256 digest of 64 hex digits");
  }
  const std::string key(digest);
  std::unique_ptr<Incoming>& incoming = incoming_[key];
  if (!incoming) incoming = std::make_unique<Incoming>(directory_ / (key + ".part"));
  Result<void> written = write_piece(*incoming, key, bytes, piece);
  if (!written || piece == Piece::kLast) incoming_.erase(key);
  return written;
}

Result<void> CodeCache::write_piece(Incoming& incoming, const std::string& digest, std::string_view bytes,
                                    Piece piece) {
  GUST_TRY_VOID(incoming.add(bytes));
  if (piece == Piece::kMore) return {};
  GUST_TRY_VOID(incoming.keep_as(directory_ / digest, digest));
  complete_[digest] = incoming.size();
  return {};
}

std::optional<std::string> CodeCache::find(std::string_view digest) const {
  const std::string key(digest);
  if (!complete_.contains(key)) return std::nullopt;
  return (directory_ / key).string();
}

void CodeCache::drop(std::string_view digest) {
  // A pack that has it open or mapped goes on.
  if (complete_.erase(std::string(digest)) > 0) ::unlink((directory_ / digest).c_str());
}

void CodeCache::drop_incomplete() { incoming_.clear(); }

}  // namespace gust::invoker
