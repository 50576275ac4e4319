// What every object store must do.
#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>
#include <random>
#include <set>
#include <thread>

#include "objectstore/file/file_store.h"
#include "objectstore/s3/s3_store.h"
#include "objectstore/testing/s3_server.h"

namespace gust::objectstore {
namespace {

using namespace std::chrono_literals;

class Place {
 public:
  virtual ~Place() = default;
  virtual std::unique_ptr<ObjectStore> store() = 0;
};

class Folder final : public Place {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("gust-objects-" + std::to_string(::getpid()))) {}
  ~Folder() override { std::filesystem::remove_all(path_); }
  std::unique_ptr<ObjectStore> store() override { return std::make_unique<FileStore>(path_); }

 private:
  std::filesystem::path path_;
};

class Bucket final : public Place {
 public:
  explicit Bucket(std::unique_ptr<testing::S3Server> server) : server_(std::move(server)) {}
  std::unique_ptr<ObjectStore> store() override { return std::make_unique<S3Store>(server_->options()); }

 private:
  std::unique_ptr<testing::S3Server> server_;
};

class BucketWithPrefix final : public Place {
 public:
  explicit BucketWithPrefix(std::unique_ptr<testing::S3Server> server) : server_(std::move(server)) {}
  std::unique_ptr<ObjectStore> store() override {
    auto options = parse_s3_uri(server_->uri("some/folder of ours"));
    EXPECT_TRUE(options) << options.error().message;
    return std::make_unique<S3Store>(*options);
  }

 private:
  std::unique_ptr<testing::S3Server> server_;
};

template <class Kind>
Result<std::unique_ptr<Place>> on_server() {
  return std::make_unique<Kind>(GUST_TRY(testing::S3Server::start()));
}

struct Implementation {
  const char* name;
  Result<std::unique_ptr<Place>> (*make)();
};

class Conformance : public ::testing::TestWithParam<Implementation> {
 protected:
  void SetUp() override {
    auto place = GetParam().make();
    if (!place && place.error().code == ErrorCode::kNotFound) GTEST_SKIP() << place.error().message;
    ASSERT_TRUE(place) << place.error().message;
    place_ = std::move(*place);
    store_ = place_->store();
  }

  static Context soon() { return {std::chrono::steady_clock::now() + 60s}; }

  void put(const std::string& key, std::string_view content) {
    const Piece piece = std::as_bytes(std::span(content));
    const auto done = store_->put(key, {&piece, 1}, soon());
    ASSERT_TRUE(done) << done.error().message;
  }
  std::string get(const std::string& key, const Range& range = {}) {
    auto content = get_whole(*store_, key, range, soon());
    EXPECT_TRUE(content) << content.error().message;
    return content ? *content : "";
  }
  ErrorCode error_of_get(const std::string& key, const Range& range = {}) {
    const auto content = get_whole(*store_, key, range, soon());
    EXPECT_FALSE(content);
    return content ? ErrorCode::kUnknown : content.error().code;
  }
  std::vector<std::string> keys(const std::string& prefix, std::uint32_t page_size = kLargestPage) {
    std::vector<std::string> all;
    std::string from;
    do {
      auto page = store_->list(prefix, from, page_size, soon());
      EXPECT_TRUE(page) << page.error().message;
      if (!page) break;
      EXPECT_LE(page->objects.size(), page_size);
      for (Object& object : page->objects) all.push_back(std::move(object.key));
      from = page->next;
    } while (!from.empty());
    return all;
  }

  std::unique_ptr<Place> place_;
  std::unique_ptr<ObjectStore> store_;
};

std::string noise(std::size_t size) {
  std::mt19937_64 random(size);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

TEST_P(Conformance, WhatIsPutIsGot) {
  for (const std::size_t size : {0, 1, 4095, 70'000, 3'000'001}) {
    const std::string content = noise(size);
    put("of size/" + std::to_string(size), content);
    EXPECT_EQ(get("of size/" + std::to_string(size)) == content, true) << size;
  }
  put("of size/1", "replaced");
  EXPECT_EQ(get("of size/1"), "replaced");
}

TEST_P(Conformance, PiecesBecomeOneObject) {
  const std::string content = noise(1'000'000);
  const Piece all = std::as_bytes(std::span(content));
  const std::vector<Piece> pieces = {all.first(0), all.first(1), all.subspan(1, 700'000), Piece(),
                                     all.subspan(700'001)};
  ASSERT_TRUE(store_->put("pieces", pieces, soon()));
  EXPECT_EQ(get("pieces") == content, true);
}

TEST_P(Conformance, Ranges) {
  put("ranges", "0123456789");
  EXPECT_EQ(get("ranges", {3}), "3456789");
  EXPECT_EQ(get("ranges", {0, 1}), "0");
  EXPECT_EQ(get("ranges", {3, 4}), "3456");
  EXPECT_EQ(get("ranges", {9, 1}), "9");
  EXPECT_EQ(get("ranges", {8, 100}), "89");
  EXPECT_EQ(error_of_get("ranges", {10}), ErrorCode::kInvalid);
  EXPECT_EQ(error_of_get("ranges", {11, 2}), ErrorCode::kInvalid);
}

TEST_P(Conformance, WhatIsNotThereIsNotFound) {
  put("folder/object", "x");
  EXPECT_EQ(error_of_get("nothing"), ErrorCode::kNotFound);
  EXPECT_EQ(error_of_get("folder/nothing"), ErrorCode::kNotFound);
  EXPECT_TRUE(store_->remove("nothing", soon()));
  EXPECT_TRUE(store_->remove("nothing/at/all", soon()));
  EXPECT_EQ(keys("nothing"), std::vector<std::string>());
}

TEST_P(Conformance, KeysOfAllKinds) {
  const std::vector<std::string> all = {"plain",
                                        "with space",
                                        "plus+plus",
                                        "a=b&c=d?e#f",
                                        "100%",
                                        "%41",
                                        "quote'\"<xml>&amp;",
                                        "k\xc3\xb6nig/\xe6\x9d\xb1\xe4\xba\xac \xf0\x9f\x9a\x80",
                                        "comma,semi;colon:at@dollar$star*",
                                        "(braces)[brackets]{curly}~tilde!",
                                        "deep/er/and/deeper/than/that",
                                        ".hidden/..twice/...",
                                        "back\\slash|^`"};
  for (const std::string& key : all) put("odd/" + key, key);
  for (const std::string& key : all) EXPECT_EQ(get("odd/" + key), key) << key;
  std::vector<std::string> expected;
  for (const std::string& key : all) expected.push_back("odd/" + key);
  std::ranges::sort(expected);
  auto found = keys("odd/");
  std::ranges::sort(found);
  EXPECT_EQ(found, expected);
  ASSERT_TRUE(store_->remove(expected.front(), soon()));
  const auto removed = store_->remove_many(expected, soon());
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(keys("odd/"), std::vector<std::string>());
}

TEST_P(Conformance, BadKeysAreRefused) {
  for (const std::string& key : {std::string(), std::string("../up"), std::string("a/./b"), std::string("a/.."),
                                 std::string("line\nbreak"), std::string(kLongestKey + 1, 'x')}) {
    EXPECT_EQ(error_of_get(key), ErrorCode::kInvalid) << key;
    const auto put = store_->put(key, {}, soon());
    ASSERT_FALSE(put) << key;
    EXPECT_EQ(put.error().code, ErrorCode::kInvalid);
    const auto removed = store_->remove_many({&key, 1}, soon());
    ASSERT_FALSE(removed) << key;
    EXPECT_EQ(removed.error().code, ErrorCode::kInvalid);
  }
}

TEST_P(Conformance, ListsInPagesByPrefix) {
  for (const char* folder : {"list/a", "list/b", "other"}) {
    for (int i = 0; i < 7; ++i) put(std::string(folder) + "/" + std::to_string(i), std::string(std::size_t(i), 'x'));
  }
  const std::vector<std::string> expected = {"list/b/0", "list/b/1", "list/b/2", "list/b/3",
                                             "list/b/4", "list/b/5", "list/b/6"};
  for (const std::uint32_t size : {1, 3, 6, 7, 8}) EXPECT_EQ(keys("list/b/", size), expected) << size;
  EXPECT_EQ(keys("list/", 5).size(), 14);
  EXPECT_EQ(keys("list/a/6").size(), 1);
  EXPECT_EQ(keys("li").size(), 14);
  EXPECT_EQ(keys("").size(), 21);
  EXPECT_TRUE(std::ranges::is_sorted(keys("", 4)));
  const auto page = store_->list("list/a/", "", 1000, soon());
  ASSERT_TRUE(page);
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(page->objects[i].bytes, i);
  EXPECT_EQ(store_->list("", "", 0, soon()).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(store_->list("", "", kLargestPage + 1, soon()).error().code, ErrorCode::kInvalid);

  ASSERT_TRUE(remove_all(*store_, "list/", soon()));
  EXPECT_EQ(keys("").size(), 7);
}

TEST_P(Conformance, ManyAreRemovedInFewRequests) {
  put("many/here", "x");
  std::vector<std::string> gone;
  for (std::uint32_t i = 0; i < kLargestPage + 50; ++i) gone.push_back("many/" + std::to_string(i));
  gone.emplace_back("many/here");
  const auto removed = store_->remove_many(gone, soon());
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(keys("many/"), std::vector<std::string>());
}

TEST_P(Conformance, AnUploadInPartsAppearsWhenItIsWhole) {
  const std::string content = noise(2 * kSmallestPart + 12'345);
  const Piece all = std::as_bytes(std::span(content));
  auto upload = store_->start_upload("parts/of it", soon());
  ASSERT_TRUE(upload) << upload.error().message;
  for (const Piece part :
       {all.first(kSmallestPart), all.subspan(kSmallestPart, kSmallestPart), all.subspan(2 * kSmallestPart)}) {
    const auto added = (*upload)->add(part, soon());
    ASSERT_TRUE(added) << added.error().message;
    EXPECT_EQ(keys("parts/"), std::vector<std::string>());
  }
  const auto completed = (*upload)->complete(soon());
  ASSERT_TRUE(completed) << completed.error().message;
  upload->reset();
  EXPECT_EQ(get("parts/of it") == content, true);
}

TEST_P(Conformance, AnUploadThatIsGivenUpLeavesNothing) {
  {
    auto upload = store_->start_upload("given up", soon());
    ASSERT_TRUE(upload);
    const std::string part(1000, 'x');
    ASSERT_TRUE((*upload)->add(std::as_bytes(std::span(part)), soon()));
  }
  EXPECT_EQ(error_of_get("given up"), ErrorCode::kNotFound);
  EXPECT_EQ(keys(""), std::vector<std::string>());
}

TEST_P(Conformance, CallsEndWithTheirContext) {
  put("there", "x");
  const auto late = get_whole(*store_, "there", {}, {std::chrono::steady_clock::now() - 1s});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kTimedOut);
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = store_->put("there", {}, {soon().deadline, stop.get_token()});
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(get("there"), "x");
}

TEST_P(Conformance, AReceiversErrorIsTheResult) {
  put("there", std::string(1'000'000, 'x'));
  int calls = 0;
  const Receiver refuse = [&](Piece) -> Result<void> {
    ++calls;
    return fail(ErrorCode::kCrashed, "enough");
  };
  const auto result = store_->get("there", {}, refuse, soon());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCrashed);
  EXPECT_NE(result.error().message.find("enough"), std::string::npos);
  EXPECT_EQ(calls, 1);
}

TEST_P(Conformance, ManyThreadsAtOnce) {
  std::vector<std::jthread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 20; ++i) {
        const std::string key = "threads/" + std::to_string(t) + "/" + std::to_string(i);
        put(key, key);
        EXPECT_EQ(get(key), key);
        if (i % 2 == 0) {
          EXPECT_TRUE(store_->remove(key, soon()));
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(keys("threads/").size(), 80);
}

INSTANTIATE_TEST_SUITE_P(All, Conformance,
                         ::testing::Values(Implementation{"file",
                                                          []() -> Result<std::unique_ptr<Place>> {
                                                            return std::make_unique<Folder>();
                                                          }},
                                           Implementation{"s3", on_server<Bucket>},
                                           Implementation{"s3_with_prefix", on_server<BucketWithPrefix>}),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace gust::objectstore
