// What every store promises, whatever it keeps things in. A new implementation adds a line to kActionStores and
// kFlareStores.
#include <atomic>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <thread>

#include "base/testing/test_folder.h"
#include "store/memory/entity_store.h"
#include "store/memory/flare_store.h"
#include "store/sqlite/stores.h"
#include "store/store.h"

namespace gust::store {
namespace {

using std::chrono::seconds;

struct ActionStoreMaker {
  const char* name;
  std::function<std::shared_ptr<ActionStore>()> make;
};
void PrintTo(const ActionStoreMaker& maker, std::ostream* out) { *out << maker.name; }

struct FlareStoreMaker {
  const char* name;
  std::function<std::shared_ptr<FlareStore>(Bytes byte_limit, std::size_t flare_limit)> make;
};
void PrintTo(const FlareStoreMaker& maker, std::ostream* out) { *out << maker.name; }

/// Stores in a folder that goes with them.
struct InFolder {
  explicit InFolder(SqliteFlareStoreOptions options) : stores(SqliteStores::open(folder.path(), options)) {}
  TestFolder folder;
  Result<std::unique_ptr<SqliteStores>> stores;
};

std::shared_ptr<FlareStore> in_folder(Bytes byte_limit, std::size_t flare_limit, Bytes recent_limit) {
  const auto made = std::make_shared<InFolder>(SqliteFlareStoreOptions{
      .retention = {.byte_limit = byte_limit, .flare_limit = flare_limit}, .recent_limit = recent_limit});
  EXPECT_TRUE(made->stores) << made->stores.error().message;
  return {made, &(*made->stores)->all().flares};
}

const ActionStoreMaker kActionStores[] = {{"memory", [] { return std::make_shared<MemoryEntityStore<Action>>(); }},
                                          {"sqlite", [] {
                                             const auto made = std::make_shared<InFolder>(SqliteFlareStoreOptions{});
                                             EXPECT_TRUE(made->stores) << made->stores.error().message;
                                             return std::shared_ptr<ActionStore>(made, &(*made->stores)->all().actions);
                                           }}};
const FlareStoreMaker kFlareStores[] = {
    {"memory",
     [](Bytes byte_limit, std::size_t flare_limit) {
       return std::make_shared<MemoryFlareStore>(Retention{.byte_limit = byte_limit, .flare_limit = flare_limit});
     }},
    {"sqlite", [](Bytes bytes, std::size_t flares) { return in_folder(bytes, flares, Bytes::mb(128)); }},
    // Whatever is written is read from the database.
    {"sqlite_without_memory", [](Bytes bytes, std::size_t flares) { return in_folder(bytes, flares, Bytes()); }}};

Action action(std::string name, std::string namespace_name = "guest", std::string package = "") {
  Action made;
  made.namespace_name = std::move(namespace_name);
  made.package = std::move(package);
  made.name = std::move(name);
  made.kind = "cpp:1";
  made.code = std::make_shared<const std::string>("code");
  return made;
}

class ActionStoreConformance : public testing::TestWithParam<ActionStoreMaker> {
 protected:
  std::shared_ptr<ActionStore> store_ = GetParam().make();
};

TEST_P(ActionStoreConformance, GivesBackWhatWasPut) {
  const WallTime before = wall_now();
  const auto put = store_->put(action("a", "guest", "pkg"), Overwrite::kNo);
  ASSERT_TRUE(put) << put.error().message;
  EXPECT_EQ((*put)->version, "0.0.1");
  EXPECT_GE((*put)->updated, before);
  const auto got = store_->get("guest", "pkg/a");
  ASSERT_TRUE(got);
  EXPECT_EQ((*got)->qualified_name(), "/guest/pkg/a");
  EXPECT_EQ(*(*got)->code, "code");
}

TEST_P(ActionStoreConformance, NamesAreApartByNamespaceAndPackage) {
  ASSERT_TRUE(store_->put(action("a"), Overwrite::kNo));
  EXPECT_TRUE(store_->put(action("a", "other"), Overwrite::kNo));
  EXPECT_TRUE(store_->put(action("a", "guest", "pkg"), Overwrite::kNo));
  EXPECT_EQ(store_->get("third", "a").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store_->get("other", "pkg/a").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store_->list("guest").size(), 2U);
}

TEST_P(ActionStoreConformance, AnExistingNameIsReplacedOnlyWhenAsked) {
  ASSERT_TRUE(store_->put(action("a"), Overwrite::kNo));
  const auto refused = store_->put(action("a"), Overwrite::kNo);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kExists);
  EXPECT_EQ(refused.error().message, "resource already exists");
  Action next = action("a");
  next.kind = "cpp:2";
  const auto replaced = store_->put(std::move(next), Overwrite::kYes);
  ASSERT_TRUE(replaced);
  EXPECT_EQ((*replaced)->version, "0.0.2");
  EXPECT_EQ((*store_->get("guest", "a"))->kind, "cpp:2");
  EXPECT_EQ(store_->list("guest").size(), 1U);
}

TEST_P(ActionStoreConformance, TheNextVersionGrowsThePartAfterTheLastDot) {
  Action first = action("a");
  first.version = "1.4.99";
  ASSERT_TRUE(store_->put(std::move(first), Overwrite::kNo));
  EXPECT_EQ((*store_->put(action("a"), Overwrite::kYes))->version, "1.4.100");
}

TEST_P(ActionStoreConformance, ListsNewestFirst) {
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(store_->put(action(name), Overwrite::kNo));
  ASSERT_TRUE(store_->put(action("a"), Overwrite::kYes));
  const auto listed = store_->list("guest");
  ASSERT_EQ(listed.size(), 3U);
  EXPECT_EQ(listed[0]->name, "a");
  EXPECT_EQ(listed[1]->name, "c");
  EXPECT_EQ(listed[2]->name, "b");
  EXPECT_TRUE(store_->list("nobody").empty());
}

TEST_P(ActionStoreConformance, WhatIsRemovedIsGivenBackAndGone) {
  ASSERT_TRUE(store_->put(action("a"), Overwrite::kNo));
  const auto removed = store_->remove("guest", "a");
  ASSERT_TRUE(removed);
  EXPECT_EQ((*removed)->name, "a");
  EXPECT_EQ(store_->get("guest", "a").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store_->remove("guest", "a").error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(store_->list("guest").empty());
}

TEST_P(ActionStoreConformance, OneOfManyThreadsCreatesAName) {
  std::atomic<int> created = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 50; ++k) {
          if (store_->put(action("a" + std::to_string(k)), Overwrite::kNo)) ++created;
        }
      });
    }
  }
  EXPECT_EQ(created, 50);
  EXPECT_EQ(store_->list("guest").size(), 50U);
}

INSTANTIATE_TEST_SUITE_P(Stores, ActionStoreConformance, testing::ValuesIn(kActionStores),
                         [](const auto& tested) { return std::string(tested.param.name); });

/// An ended flare of `packs` packs of one worker that started `start` after the epoch.
std::shared_ptr<FlareRecord> flare(seconds start, std::uint32_t packs = 1, const std::string& name = "a") {
  auto made = std::make_shared<FlareRecord>();
  made->namespace_name = "guest";
  made->action = std::make_shared<const Action>(action(name));
  made->state = FlareState::kSucceeded;
  made->burst_size = packs;
  made->stamps.received = made->stamps.starting = made->stamps.ended = WallTime(start);
  made->packs.resize(packs);
  made->workers.resize(packs);
  for (std::uint32_t i = 0; i < packs; ++i) {
    made->activations.push_back({ActivationId(random_hex_id()), {WorkerId(i), 1}});
  }
  made->id = FlareId(made->activations.front().id.str());
  return made;
}

ActivationQuery query() {
  ActivationQuery made;
  made.namespace_name = "guest";
  return made;
}

class FlareStoreConformance : public testing::TestWithParam<FlareStoreMaker> {
 protected:
  std::shared_ptr<FlareStore> store_ = GetParam().make(Bytes::mb(512), 100'000);
};

TEST_P(FlareStoreConformance, FindsAFlareByItsIdAndByEachActivation) {
  const FlarePtr added = flare(seconds(1), 3);
  store_->add(added);
  ASSERT_TRUE(store_->get("guest", added->id));
  EXPECT_EQ((*store_->get("guest", added->id))->id, added->id);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto view = store_->get_activation("guest", added->activations[i].id);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->index, i);
    EXPECT_EQ(view->flare->id, added->id);
    EXPECT_EQ(view->activation().id, added->activations[i].id);
  }
}

TEST_P(FlareStoreConformance, HidesWhatIsUnknownOrAnothersAlike) {
  const FlarePtr added = flare(seconds(1));
  store_->add(added);
  EXPECT_EQ(store_->get("other", added->id).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store_->get_activation("other", added->activations[0].id).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store_->get("guest", FlareId(random_hex_id())).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store_->get_activation("guest", ActivationId("nonsense")).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(store_->list("other", 0, 10).empty());
  ActivationQuery others = query();
  others.namespace_name = "other";
  EXPECT_TRUE(store_->list_activations(others).empty());
  EXPECT_EQ(store_->count_activations(others), 0U);
}

TEST_P(FlareStoreConformance, ListsNewestStartFirstWhateverEndedFirst) {
  const FlarePtr late = flare(seconds(30));
  const FlarePtr early = flare(seconds(10));
  const FlarePtr middle = flare(seconds(20));
  for (const FlarePtr& each : {late, early, middle}) store_->add(each);
  const auto listed = store_->list("guest", 0, 10);
  ASSERT_EQ(listed.size(), 3U);
  EXPECT_EQ(listed[0]->id, late->id);
  EXPECT_EQ(listed[1]->id, middle->id);
  EXPECT_EQ(listed[2]->id, early->id);
  const auto second = store_->list("guest", 1, 1);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0]->id, middle->id);
  EXPECT_TRUE(store_->list("guest", 3, 10).empty());
}

TEST_P(FlareStoreConformance, AFlareThatNeverStartedStandsAtItsArrival) {
  const auto cancelled = flare(seconds(20));
  cancelled->state = FlareState::kCancelled;
  cancelled->stamps.starting = WallTime();
  store_->add(flare(seconds(10)));
  store_->add(cancelled);
  EXPECT_EQ(store_->list("guest", 0, 1).at(0)->id, cancelled->id);
}

TEST_P(FlareStoreConformance, FiredTriggersAreActivationsAndNoFlares) {
  const auto fired = flare(seconds(20));
  fired->invocation = Invocation::kTrigger;
  store_->add(flare(seconds(10)));
  store_->add(fired);
  EXPECT_EQ(store_->count_activations(query()), 2U);
  const auto listed = store_->list("guest", 0, 10);
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_NE(listed[0]->id, fired->id);
  EXPECT_TRUE(store_->list("guest", 1, 10).empty());
}

TEST_P(FlareStoreConformance, TheLastOneIsInMemory) {
  const FlarePtr added = flare(seconds(1), 2);
  store_->add(added);
  EXPECT_EQ(store_->get_recent("guest", added->id).value(), added);
  EXPECT_EQ(store_->get_recent_activation("guest", added->activations[1].id).value().index, 1U);
  EXPECT_FALSE(store_->get_recent("other", added->id));
}

TEST_P(FlareStoreConformance, SkipAndLimitCountActivationsAcrossFlares) {
  const FlarePtr old_flare = flare(seconds(10), 3);
  const FlarePtr new_flare = flare(seconds(20), 3);
  store_->add(old_flare);
  store_->add(new_flare);
  ActivationQuery page = query();
  page.skip = 2;
  page.limit = 3;
  const auto views = store_->list_activations(page);
  ASSERT_EQ(views.size(), 3U);
  EXPECT_EQ(views[0].activation().id, new_flare->activations[2].id);
  EXPECT_EQ(views[1].activation().id, old_flare->activations[0].id);
  EXPECT_EQ(views[2].activation().id, old_flare->activations[1].id);
  EXPECT_EQ(store_->count_activations(page), 4U);
  page.skip = 7;
  EXPECT_TRUE(store_->list_activations(page).empty());
  EXPECT_EQ(store_->count_activations(page), 0U);
}

TEST_P(FlareStoreConformance, SelectsByActionAndByStart) {
  store_->add(flare(seconds(10), 1, "a"));
  store_->add(flare(seconds(20), 1, "b"));
  store_->add(flare(seconds(30), 1, "a"));
  ActivationQuery by_name = query();
  by_name.action_path = "a";
  EXPECT_EQ(store_->count_activations(by_name), 2U);
  by_name.action_path = "c";
  EXPECT_EQ(store_->count_activations(by_name), 0U);
  const auto count = [&](std::optional<seconds> since, std::optional<seconds> upto) {
    ActivationQuery range = query();
    if (since) range.since = WallTime(*since);
    if (upto) range.upto = WallTime(*upto);
    EXPECT_EQ(store_->list_activations(range).size(), store_->count_activations(range));
    return store_->count_activations(range);
  };
  EXPECT_EQ(count(seconds(20), {}), 2U);
  EXPECT_EQ(count({}, seconds(20)), 2U);
  EXPECT_EQ(count(seconds(20), seconds(20)), 1U);
  EXPECT_EQ(count(seconds(21), seconds(29)), 0U);
  EXPECT_EQ(count(seconds(30), seconds(10)), 0U);
  EXPECT_EQ(count(seconds(31), {}), 0U);
}

TEST_P(FlareStoreConformance, OverTheNumberTheOldestGo) {
  const auto store = GetParam().make(Bytes::mb(512), 2);
  const FlarePtr first = flare(seconds(1), 2);
  const FlarePtr second = flare(seconds(2), 2);
  const FlarePtr third = flare(seconds(3), 2);
  for (const FlarePtr& each : {first, second, third}) store->add(each);
  EXPECT_FALSE(store->get("guest", first->id));
  EXPECT_FALSE(store->get_activation("guest", first->activations[1].id));
  EXPECT_TRUE(store->get("guest", second->id));
  EXPECT_TRUE(store->get_activation("guest", third->activations[1].id));
  EXPECT_EQ(store->list("guest", 0, 10).size(), 2U);
  EXPECT_EQ(store->count_activations(query()), 4U);
}

TEST_P(FlareStoreConformance, OverTheBytesTheOldestGoAndTheNewestStays) {
  const auto store = GetParam().make(Bytes::mb(4), 1000);
  const auto of_size = [](seconds start, Bytes size) {
    auto made = flare(start);
    made->workers[0].result.assign(size.count(), 'x');
    return made;
  };
  const FlarePtr first = of_size(seconds(1), Bytes::mb(2));
  const FlarePtr second = of_size(seconds(2), Bytes::mb(1));
  store->add(first);
  store->add(second);
  EXPECT_EQ(store->list("guest", 0, 10).size(), 2U);
  store->add(of_size(seconds(3), Bytes::mb(2)));
  EXPECT_FALSE(store->get("guest", first->id));
  EXPECT_TRUE(store->get("guest", second->id));
  const FlarePtr huge = of_size(seconds(4), Bytes::mb(16));
  store->add(huge);
  EXPECT_EQ(store->list("guest", 0, 10).size(), 1U);
  EXPECT_TRUE(store->get("guest", huge->id));
}

TEST_P(FlareStoreConformance, AddsAndReadsFromSeveralThreads) {
  const auto store = GetParam().make(Bytes::mb(512), 50);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&store, i] {
      for (int k = 0; k < 100; ++k) {
        const FlarePtr added = flare(seconds(i * 1000 + k), 2);
        store->add(added);
        (void)store->get("guest", added->id);
        EXPECT_LE(store->list("guest", 0, 1000).size(), 50U);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(store->list("guest", 0, 1000).size(), 50U);
  EXPECT_EQ(store->count_activations(query()), 100U);
}

INSTANTIATE_TEST_SUITE_P(Stores, FlareStoreConformance, testing::ValuesIn(kFlareStores),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace gust::store
