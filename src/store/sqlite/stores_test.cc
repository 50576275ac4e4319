// What the database keeps over restarts, and what it does when it cannot.
#include "store/sqlite/stores.h"

#include <csignal>
#include <fstream>
#include <future>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/encoding.h"
#include "base/testing/test_folder.h"
#include "store/sqlite/documents.h"
#include "store/sqlite/schema.h"

namespace gust::store {
namespace {

using std::chrono::milliseconds;

WallTime at(int millis) { return WallTime(milliseconds(millis)); }

/// With a value of its own in each field.
Action whole_action() {
  Action action;
  action.namespace_name = "guest";
  action.package = "pkg";
  action.name = "hello";
  action.version = "0.0.7";
  action.publish = true;
  action.annotations = Json::array({{{"key", "exec"}, {"value", "python:3"}}});
  action.kind = "python:3";
  action.main = "entry";
  action.image = "registry/debian:12";
  action.code = std::make_shared<const std::string>(std::string("zip\0bytes\xff", 10));
  action.code_digest = sha256_hex(*action.code);
  action.binary = true;
  action.limits = {.timeout = milliseconds(1234),
                   .memory = Bytes::mb(300),
                   .logs = Bytes::mb(3),
                   .processes = 17,
                   .open_files = 99,
                   .tmp = Bytes::mb(12),
                   .cpu = 250};
  action.parameters = Json::array({{{"key", "a"}, {"value", {1, 2.5, "x"}}}});
  return action;
}

std::shared_ptr<FlareRecord> whole_flare() {
  auto flare = std::make_shared<FlareRecord>();
  flare->id = FlareId(random_hex_id());
  flare->namespace_name = "guest";
  flare->action = std::make_shared<const Action>(whole_action());
  flare->strategy = packing::Strategy::kMixed;
  flare->granularity = 2;
  flare->burst_size = 3;
  flare->backend = "redis-list";
  flare->chunk = Bytes(4096);
  flare->run = FlareId(random_hex_id());
  flare->priority = -3;
  flare->retries = 2;
  flare->lost = {{at(1), at(2), "invoker 1 (b) was lost"}};
  flare->state = FlareState::kFailed;
  flare->stamps = {.received = at(1),
                   .queued = at(2),
                   .reserved = at(3),
                   .starting = at(4),
                   .running = at(5),
                   .finishing = at(6),
                   .ended = at(7)};
  flare->cause = Error{.code = ErrorCode::kCrashed, .message = "worker 2 crashed with SIGSEGV"};
  flare->activations = {{.id = ActivationId(flare->id.str()), .workers = {WorkerId(0), 2}},
                        {.id = ActivationId(random_hex_id()), .workers = {WorkerId(2), 1}}};
  for (std::uint32_t i = 0; i < 2; ++i) {
    PackRecord& pack = flare->packs.emplace_back();
    pack = {.invoker = InvokerId(i + 4),
            .invoker_name = "invoker",
            .workers = flare->activations[i].workers,
            .state = PackState::kEnded,
            .received = at(8),
            .launched = at(9),
            .entered = at(10),
            .loaded = at(11),
            .ended = at(12),
            .pid = 4242,
            .prewarmed = true,
            .cause = PackCause::kWorkerCrashed,
            .signal = 11,
            .exit_code = 3,
            .culprit = WorkerId(2),
            .message = "crashed",
            .cpu = std::chrono::microseconds(13),
            .peak_memory_at_start = Bytes(14),
            .peak_memory = Bytes(15),
            .traffic = {.local_messages = 16, .local_bytes = 17, .remote_messages = 18, .remote_bytes = 19},
            .logs = {{.at = at(20), .is_stderr = true, .text = std::string("no UTF-8: \xff\0.", 12)}}};
  }
  for (int i = 0; i < 3; ++i) {
    flare->workers.push_back({.state = WorkerState::kReturned,
                              .started = at(21),
                              .function_started = at(22),
                              .function_ended = at(23),
                              .ended = at(24),
                              .peak_memory = Bytes(25),
                              .result = R"({"worker":)" + std::to_string(i) + "}"});
  }
  flare->workers_started = 3;
  flare->workers_finished = 2;
  flare->workers_with_error = 1;
  return flare;
}

class SqliteStoresTest : public testing::Test {
 protected:
  std::unique_ptr<SqliteStores> open_stores(SqliteFlareStoreOptions options = {}) const {
    auto stores = SqliteStores::open(folder_.path(), options);
    EXPECT_TRUE(stores) << stores.error().message;
    return stores ? std::move(*stores) : nullptr;
  }
  Error refusal() const {
    const auto stores = SqliteStores::open(folder_.path(), {});
    EXPECT_FALSE(stores);
    return stores ? Error{} : stores.error();
  }
  static Result<void> wait_written(SqliteStores& stores) {
    std::promise<Result<void>> told;
    stores.all().journal.when_written([&](Result<void> written) { told.set_value(std::move(written)); });
    return told.get_future().get();
  }
  std::int64_t count(const char* sql) const {
    auto database = Database::open(file(), Access::kRead);
    EXPECT_TRUE(database);
    return database->number(sql).value_or(-1);
  }
  [[nodiscard]] std::filesystem::path file() const { return folder_.path() / "gust.db"; }

  TestFolder folder_;
};

TEST_F(SqliteStoresTest, EntitiesAreTheSameAfterARestart) {
  ActionPtr action;
  std::string package;
  std::string trigger;
  std::string rule;
  std::string key;
  std::string token;
  {
    const auto stores = open_stores();
    const Stores all = stores->all();
    action = all.actions.put(whole_action(), Overwrite::kNo).value();
    Package given_package;
    given_package.namespace_name = "guest";
    given_package.name = "q";
    given_package.binding = "pkg";
    given_package.parameters = action->parameters;
    package = to_document(*all.packages.put(given_package, Overwrite::kNo).value());
    Trigger given_trigger;
    given_trigger.namespace_name = "guest";
    given_trigger.name = "t";
    given_trigger.parameters = action->parameters;
    trigger = to_document(*all.triggers.put(given_trigger, Overwrite::kNo).value());
    Rule given_rule;
    given_rule.namespace_name = "guest";
    given_rule.name = "r";
    given_rule.trigger = "t";
    given_rule.action = "pkg/hello";
    given_rule.state = RuleState::kInactive;
    rule = to_document(*all.rules.put(given_rule, Overwrite::kNo).value());
    Key given_key;
    given_key.name = "id";
    given_key.owner = "alice";
    given_key.digest = sha256_hex("id:secret");
    key = to_document(*all.keys.put(given_key, Overwrite::kNo).value());
    Token given_token;
    given_token.name = "id";
    given_token.digest = sha256_hex("id.secret");
    given_token.expires = from_micros(1'700'000'000'000'001);
    token = to_document(*all.tokens.put(given_token, Overwrite::kNo).value());
    Drain given_drain;
    given_drain.name = "node-1";
    ASSERT_TRUE(all.drains.put(given_drain, Overwrite::kNo));
  }
  const auto stores = open_stores();
  const Stores all = stores->all();
  const auto again = all.actions.get("guest", "pkg/hello");
  ASSERT_TRUE(again);
  EXPECT_EQ(to_document(**again), to_document(*action));
  EXPECT_EQ((*again)->version, "0.0.7");
  EXPECT_EQ((*again)->limits.cpu, 250U);
  EXPECT_EQ((*again)->image, "registry/debian:12");
  EXPECT_EQ(*(*again)->code, *action->code);
  EXPECT_EQ(to_document(*all.packages.get("guest", "q").value()), package);
  EXPECT_EQ(to_document(*all.triggers.get("guest", "t").value()), trigger);
  EXPECT_EQ(to_document(*all.rules.get("guest", "r").value()), rule);
  EXPECT_EQ(to_document(*all.keys.get("", "id").value()), key);
  EXPECT_EQ(to_document(*all.tokens.get("", "id").value()), token);
  EXPECT_TRUE(all.drains.get("", "node-1"));
  EXPECT_EQ(all.tokens.get("", "id").value()->expires, from_micros(1'700'000'000'000'001));
  // Newest first holds over the restart, too.
  ASSERT_TRUE(all.actions.put(whole_action(), Overwrite::kYes));
  EXPECT_GT(all.actions.get("guest", "pkg/hello").value()->updated, action->updated);
  EXPECT_EQ(all.actions.get("guest", "pkg/hello").value()->version, "0.0.8");
}

TEST_F(SqliteStoresTest, FlaresAreTheSameAfterARestart) {
  const auto flare = whole_flare();
  {
    const auto stores = open_stores();
    stores->all().flares.add(flare);
  }
  const auto stores = open_stores();
  const FlareStore& flares = stores->all().flares;
  EXPECT_FALSE(flares.get_recent("guest", flare->id));
  const auto again = flares.get("guest", flare->id);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(to_document(**again), to_document(*flare));
  EXPECT_EQ((*again)->packs[1].logs[0].text, flare->packs[1].logs[0].text);
  EXPECT_EQ((*again)->cause->message, flare->cause->message);
  EXPECT_EQ((*again)->action->limits.memory, Bytes::mb(300));
  const auto view = flares.get_activation("guest", flare->activations[1].id);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->index, 1U);
  EXPECT_FALSE(flares.get("other", flare->id));
  EXPECT_FALSE(flares.get_activation("other", flare->activations[1].id));
  ActivationQuery query;
  query.namespace_name = "guest";
  query.action_path = "pkg/hello";
  EXPECT_EQ(flares.count_activations(query), 2U);
}

OpenFlare open_flare(FlareState state) {
  auto flare = std::make_shared<FlareRecord>(*whole_flare());
  flare->state = state;
  flare->stamps.ended = {};
  flare->cause.reset();
  flare->workers.clear();
  return {.flare = std::move(flare), .params = {"{}", "1", R"({"a":2})"}};
}

TEST_F(SqliteStoresTest, OpenFlaresOutliveTheProcessWithTheirCode) {
  const OpenFlare open = open_flare(FlareState::kQueued);
  auto later = std::make_shared<FlareRecord>(*open_flare(FlareState::kStarting).flare);
  later->stamps.received += std::chrono::seconds(1);
  std::string name;
  {
    const auto stores = open_stores();
    const Stores all = stores->all();
    name = all.name;
    EXPECT_EQ(name.size(), 32U);
    EXPECT_TRUE(all.open_flares.take_left().empty());
    ASSERT_TRUE(all.actions.put(whole_action(), Overwrite::kNo));
    all.open_flares.keep({.flare = later, .params = {}});
    all.open_flares.keep(open);
    ASSERT_TRUE(wait_written(*stores));
    ASSERT_TRUE(all.actions.remove("guest", "pkg/hello"));
  }
  const auto stores = open_stores();
  EXPECT_EQ(stores->all().name, name);
  const auto left = stores->all().open_flares.take_left();
  ASSERT_EQ(left.size(), 2U);
  EXPECT_EQ(to_document(left[0]), to_document(open));
  EXPECT_EQ(*left[0].flare->action->code, *whole_action().code);
  EXPECT_EQ(left[1].flare->id, later->id);
  EXPECT_TRUE(left[1].params.empty());
  for (const OpenFlare& each : left) stores->all().open_flares.drop(each.flare->id);
  ASSERT_TRUE(stores->all().actions.put(whole_action(), Overwrite::kYes));
  ASSERT_TRUE(stores->all().actions.remove("guest", "pkg/hello"));
  ASSERT_TRUE(wait_written(*stores));
  EXPECT_EQ(count("SELECT count(*) FROM open_flares"), 0);
  EXPECT_EQ(count("SELECT count(*) FROM code"), 0);
}

TEST_F(SqliteStoresTest, AFlareIsOpenOrHasEnded) {
  const auto flare = whole_flare();
  {
    const auto stores = open_stores();
    const Stores all = stores->all();
    OpenFlare open = open_flare(FlareState::kStarting);
    auto same = std::make_shared<FlareRecord>(*open.flare);
    same->id = flare->id;
    all.open_flares.keep({.flare = same, .params = {}});
    ASSERT_TRUE(wait_written(*stores));
    EXPECT_EQ(count("SELECT count(*) FROM open_flares"), 1);
    // As if it were killed before the next group.
    all.flares.add(flare);
    ASSERT_TRUE(wait_written(*stores));
  }
  {
    const auto stores = open_stores();
    EXPECT_TRUE(stores->all().open_flares.take_left().empty());
    EXPECT_TRUE(stores->all().flares.get("guest", flare->id));
    ASSERT_TRUE(wait_written(*stores));
    EXPECT_EQ(count("SELECT count(*) FROM open_flares"), 0);
    // One that ends before it is written is never there.
    const OpenFlare brief = open_flare(FlareState::kStarting);
    stores->all().open_flares.keep(brief);
    stores->all().open_flares.drop(brief.flare->id);
  }
  EXPECT_TRUE(open_stores()->all().open_flares.take_left().empty());
}

TEST_F(SqliteStoresTest, WhatCannotBeReadOfOpenFlaresKeepsNobodyFromStarting) {
  const OpenFlare good = open_flare(FlareState::kStarting);
  {
    const auto stores = open_stores();
    stores->all().open_flares.keep(good);
    stores->all().open_flares.keep(open_flare(FlareState::kStarting));
  }
  ASSERT_TRUE(
      Database::open(file(), Access::kWrite)
          ->run(("DELETE FROM code; UPDATE open_flares SET document = x'ff' WHERE id <> '" + good.flare->id.str() + "'")
                    .c_str()));
  const auto stores = open_stores();
  ASSERT_TRUE(stores);
  const auto left = stores->all().open_flares.take_left();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].flare->id, good.flare->id);
  EXPECT_EQ(left[0].flare->action->code, nullptr);
}

TEST_F(SqliteStoresTest, AnOlderDatabaseIsBroughtUpToDate) {
  const auto flare = whole_flare();
  open_stores()->all().flares.add(flare);
  ASSERT_TRUE(
      Database::open(file(), Access::kWrite)->run("DROP TABLE open_flares; DROP TABLE name; PRAGMA user_version = 1"));
  const auto stores = open_stores();
  ASSERT_TRUE(stores);
  EXPECT_TRUE(stores->all().flares.get("guest", flare->id));
  EXPECT_FALSE(stores->all().name.empty());
}

TEST_F(SqliteStoresTest, CodeIsKeptOnceForAsLongAsAnActionHasIt) {
  const auto stores = open_stores();
  const Stores all = stores->all();
  Action other = whole_action();
  other.name = "other";
  ASSERT_TRUE(all.actions.put(whole_action(), Overwrite::kNo));
  ASSERT_TRUE(all.actions.put(other, Overwrite::kNo));
  ASSERT_TRUE(wait_written(*stores));
  EXPECT_EQ(count("SELECT count(*) FROM code"), 1);
  ASSERT_TRUE(all.actions.remove("guest", "pkg/hello"));
  ASSERT_TRUE(wait_written(*stores));
  EXPECT_EQ(count("SELECT count(*) FROM code"), 1);
  other.code = std::make_shared<const std::string>("new");
  other.code_digest = sha256_hex("new");
  ASSERT_TRUE(all.actions.put(other, Overwrite::kYes));
  ASSERT_TRUE(wait_written(*stores));
  EXPECT_EQ(count("SELECT length(bytes) FROM code"), 3);
  EXPECT_EQ(count("SELECT count(*) FROM code"), 1);
}

TEST_F(SqliteStoresTest, WhatIsWrittenLeavesMemory) {
  const auto stores = open_stores({.retention = {}, .recent_limit = Bytes(1)});
  FlareStore& flares = stores->all().flares;
  const auto first = whole_flare();
  const auto second = whole_flare();
  flares.add(first);
  flares.add(second);
  EXPECT_TRUE(flares.get_recent("guest", first->id));  // not written yet, or just being
  ASSERT_TRUE(wait_written(*stores));
  flares.add(whole_flare());
  EXPECT_FALSE(flares.get_recent("guest", first->id));
  EXPECT_TRUE(flares.get("guest", first->id));
  EXPECT_EQ(flares.list("guest", 0, 10).size(), 3U);
  EXPECT_EQ(flares.list("guest", 2, 10).size(), 1U);
}

TEST_F(SqliteStoresTest, FlaresAreWrittenWithoutBeingAskedFor) {
  const auto stores = open_stores();
  stores->all().flares.add(whole_flare());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (count("SELECT count(*) FROM flares") == 0) ASSERT_LT(std::chrono::steady_clock::now(), deadline);
}

TEST_F(SqliteStoresTest, RetentionHoldsInTheDatabaseAndOverRestarts) {
  std::vector<FlarePtr> added;
  {
    const auto stores = open_stores({.retention = {.byte_limit = Bytes::mb(100), .flare_limit = 3}});
    for (int i = 0; i < 5; ++i) added.push_back(whole_flare());
    for (const FlarePtr& flare : added) stores->all().flares.add(flare);
    ASSERT_TRUE(wait_written(*stores));
    EXPECT_EQ(count("SELECT count(*) FROM flares"), 3);
    EXPECT_EQ(count("SELECT count(*) FROM flare_documents"), 3);
    EXPECT_EQ(count("SELECT count(*) FROM activations"), 3);
  }
  {
    const auto stores = open_stores({.retention = {.byte_limit = Bytes::mb(100), .flare_limit = 2}});
    EXPECT_FALSE(stores->all().flares.get("guest", added[2]->id));
    EXPECT_TRUE(stores->all().flares.get("guest", added[3]->id));
    EXPECT_EQ(stores->all().flares.list("guest", 0, 10).size(), 2U);
  }
  // They ended in 1970.
  const auto stores = open_stores({.retention = {.byte_limit = Bytes::mb(100), .age_limit = std::chrono::hours(1)}});
  EXPECT_TRUE(stores->all().flares.list("guest", 0, 10).empty());
  ASSERT_TRUE(wait_written(*stores));
  EXPECT_EQ(count("SELECT count(*) FROM flares"), 0);
}

TEST_F(SqliteStoresTest, OneControllerAtATime) {
  const auto first = open_stores();
  const Error refused = refusal();
  EXPECT_EQ(refused.code, ErrorCode::kBusy);
  EXPECT_NE(refused.message.find("process id " + std::to_string(::getpid())), std::string::npos) << refused.message;
}

TEST_F(SqliteStoresTest, RefusesANewerSchemaAndOtherPrograms) {
  open_stores();
  ASSERT_TRUE(Database::open(file(), Access::kWrite)->run("PRAGMA user_version = 999"));
  const Error newer = refusal();
  EXPECT_EQ(newer.code, ErrorCode::kVersionMismatch);
  EXPECT_NE(newer.message.find("its schema is 999"), std::string::npos) << newer.message;
  std::filesystem::remove(file());
  ASSERT_TRUE(Database::open(file(), Access::kWrite)->run("CREATE TABLE theirs(x)"));
  EXPECT_NE(refusal().message.find("database of another program"), std::string::npos);
}

TEST_F(SqliteStoresTest, SaysThatAFileIsDamaged) {
  std::ofstream(file()) << std::string(100'000, 'x');
  const Error nonsense = refusal();
  EXPECT_EQ(nonsense.code, ErrorCode::kInvalid);
  EXPECT_NE(nonsense.message.find(file().string()), std::string::npos);
  EXPECT_NE(nonsense.message.find("damaged"), std::string::npos) << nonsense.message;
}

TEST_F(SqliteStoresTest, SaysThatAFolderCannotBeUsed) {
  const auto stores = SqliteStores::open("/proc/nowhere", {});
  ASSERT_FALSE(stores);
  EXPECT_EQ(stores.error().code, ErrorCode::kInvalid);
  EXPECT_NE(stores.error().message.find("/proc/nowhere"), std::string::npos);
}

/// No file of this process may grow: as on a full disk.
class FullDisk {
 public:
  FullDisk() {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit none{.rlim_cur = 100, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &none);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(SqliteStoresTest, AFullDiskLosesNothingWhileTheProcessLives) {
  const auto flare = whole_flare();
  {
    const auto stores = open_stores({.retention = {}, .recent_limit = Bytes(1)});
    const Stores all = stores->all();
    {
      const FullDisk full;
      ASSERT_TRUE(all.actions.put(whole_action(), Overwrite::kNo));
      const Result<void> told = wait_written(*stores);
      ASSERT_FALSE(told);
      EXPECT_EQ(told.error().code, ErrorCode::kUnavailable);
      EXPECT_NE(told.error().message.find(file().string()), std::string::npos) << told.error().message;
      all.flares.add(flare);
      all.flares.add(whole_flare());
      EXPECT_FALSE(wait_written(*stores));
      EXPECT_TRUE(all.actions.get("guest", "pkg/hello"));
      EXPECT_TRUE(all.flares.get_recent("guest", flare->id));
      EXPECT_EQ(all.flares.list("guest", 0, 10).size(), 2U);
    }
    EXPECT_TRUE(wait_written(*stores));
    EXPECT_EQ(count("SELECT count(*) FROM flares"), 2);
  }
  const auto stores = open_stores();
  EXPECT_TRUE(stores->all().actions.get("guest", "pkg/hello"));
  EXPECT_TRUE(stores->all().flares.get("guest", flare->id));
}

TEST_F(SqliteStoresTest, WhenTooMuchWaitsForTheDiskTheOldestAreGivenUp) {
  const auto stores = open_stores({.retention = {}, .recent_limit = Bytes(1), .unwritten_limit = Bytes(1)});
  const FullDisk full;
  FlareStore& flares = stores->all().flares;
  const auto first = whole_flare();
  const auto last = whole_flare();
  flares.add(first);
  EXPECT_FALSE(wait_written(*stores));
  flares.add(last);
  EXPECT_FALSE(flares.get("guest", first->id));
  EXPECT_TRUE(flares.get("guest", last->id));
}

}  // namespace
}  // namespace gust::store
