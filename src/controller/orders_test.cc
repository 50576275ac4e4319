#include "controller/orders.h"

#include <gtest/gtest.h>

namespace gust::controller {
namespace {

/// The order of a flare of one pack, as an invoker gets it.
protocol::StartPacks order_of(const std::string& kind, const std::string& image, const Runtimes& runtimes) {
  store::Action action;
  action.kind = kind;
  action.image = image;
  FlareRequest request;
  request.action = std::make_shared<store::Action>(std::move(action));
  request.params = {"{}"};
  request.granularity = 1;
  Flare flare(FlareId(random_hex_id()), std::move(request));
  flare.reserve({{InvokerId(0), {WorkerId(0), 1}}}, [](InvokerId) { return std::string("invoker-0"); }, WallTime());
  const auto orders = start_orders(flare, {}, runtimes);
  EXPECT_EQ(orders.size(), 1U);
  return orders.at(0).second->start_packs();
}

TEST(StartOrders, SayWhatAnActionsNamesStandFor) {
  const Runtimes runtimes = *parse_runtimes(
      "lithopscloud/*=python:/venv;tools=image:t,python:/opt/v;python:3.9=image:p;nodejs:20=image:n,http:/bin/proxy -a;"
      "served/*=image:*,http");
  const auto expect = [&](const std::string& kind, const std::string& image, const std::string& pack_kind,
                          const RuntimePlace& place) {
    const protocol::StartPacks order = order_of(kind, image, runtimes);
    EXPECT_EQ(order.kind(), pack_kind);
    EXPECT_EQ(order.image(), place.image);
    EXPECT_EQ(order.python(), place.python);
    EXPECT_EQ(order.server(), place.server);
  };
  expect("blackbox", "docker.io/lithopscloud/v311", "blackbox", {.image = "", .python = "/venv"});
  expect("blackbox", "tools", "blackbox", {.image = "t", .python = "/opt/v"});
  expect("blackbox", "imported:1", "blackbox", {.image = "imported:1", .python = ""});
  expect("python:3.9", "", "python:3.9", {.image = "p", .python = ""});
  expect("python:3", "", "python:3", {});
  expect("cpp:1", "imported:1", "cpp:1", {.image = "imported:1", .python = ""});
  expect("nodejs:20", "", "http", {.image = "n", .server = "/bin/proxy -a"});
  expect("blackbox", "served/1", "http", {.image = "served/1", .server = "*"});
  expect("rust:1.34", "", "native", {});
}

}  // namespace
}  // namespace gust::controller
