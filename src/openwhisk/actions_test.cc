#include "openwhisk/testing/api_fixture.h"
#include "openwhisk/testing/zip.h"

namespace gust::openwhisk {
namespace {

using ActionsTest = ApiTest;

std::string at(const std::string& rest) { return "/api/v1/namespaces/_/actions" + rest; }

TEST_F(ActionsTest, AnActionReadsBackAsOpenWhiskHasIt) {
  const auto put = send("PUT", at("/hello"),
                        put_body({{"limits", {{"timeout", 5000}, {"memory", 128}}},
                                  {"parameters", {{{"key", "a"}, {"value", 1}}}},
                                  {"annotations", {{{"key", "note"}, {"value", "x"}}}}}));
  ASSERT_EQ(put.status, 200U) << put.body;
  Json action = get(at("/hello"));
  EXPECT_TRUE(action["updated"].is_number_integer());
  action["updated"] = 0;
  EXPECT_EQ(dump_json(action),
            R"({"namespace":"guest","name":"hello","version":"0.0.1","publish":false,)"
            R"("annotations":[{"key":"note","value":"x"},{"key":"exec","value":"cpp:1"}],"updated":0,)"
            R"("limits":{"timeout":5000,"memory":128,"logs":10,"processes":256,"openFiles":1024,"cpu":100},)"
            R"("exec":{"kind":"cpp:1","binary":true,"code":")" +
                base64_encode(kElf) + R"("},"parameters":[{"key":"a","value":1}]})");
  EXPECT_FALSE(get(at("/hello?code=false"))["exec"].contains("code"));
  EXPECT_FALSE(json(put)["exec"].contains("code"));
}

TEST_F(ActionsTest, LimitsAreShownAndKeptByAnUpdateThatDoesNotNameThem) {
  const Json limits = {{"timeout", 1000}, {"memory", 512}, {"logs", 1}, {"processes", 7},
                       {"openFiles", 64}, {"cpu", 250},    {"tmp", 100}};
  ASSERT_EQ(send("PUT", at("/limited"), put_body({{"limits", limits}})).status, 200U);
  EXPECT_EQ(get(at("/limited"))["limits"], limits);
  ASSERT_EQ(send("PUT", at("/limited?overwrite=true"), R"({"limits":{"cpu":50}})").status, 200U);
  Json changed = limits;
  changed["cpu"] = 50;
  EXPECT_EQ(get(at("/limited"))["limits"], changed);
}

TEST_F(ActionsTest, APutSendsTheCodeToTheInvokers) {
  deploy("hello");
  ASSERT_EQ(controller_.distributed.size(), 1U);
  EXPECT_EQ(controller_.distributed[0]->name, "hello");
  EXPECT_EQ(*controller_.distributed[0]->code, kElf);
  EXPECT_EQ(controller_.distributed[0]->code_digest, sha256_hex(kElf));
}

TEST_F(ActionsTest, TheDefaultOfAFamilyIsItsKind) {
  const std::string body = dump_json({{"exec", {{"kind", "cpp:default"}, {"code", base64_encode(kElf)}}}});
  ASSERT_EQ(send("PUT", at("/a"), body).status, 200U);
  EXPECT_EQ(get(at("/a"))["exec"]["kind"], "cpp:1");
}

TEST_F(ActionsTest, KeepsAndShowsTheImage) {
  const auto deploy_in = [&](const char* image) {
    const Json exec = {{"kind", "cpp:1"}, {"image", image}, {"code", base64_encode(kElf)}};
    ASSERT_EQ(send("PUT", at("/a?overwrite=true"), dump_json({{"exec", exec}})).status, 200U);
  };
  deploy_in("registry/debian:12");
  EXPECT_EQ(get(at("/a"))["exec"]["image"], "registry/debian:12");
  deploy_in("host");
  EXPECT_FALSE(get(at("/a"))["exec"].contains("image"));
}

TEST_F(ActionsTest, PythonIsSourceTextOrAnArchive) {
  const std::string source = "def main(args): return {'ü': 1}";
  const auto exec = [](const Json& more) {
    Json body = {{"exec", {{"kind", "python:default"}}}};
    body["exec"].update(more);
    return dump_json(body);
  };
  ASSERT_EQ(send("PUT", at("/py"), exec({{"code", source}, {"main", "run"}})).status, 200U);
  EXPECT_EQ(get(at("/py"))["exec"], Json({{"kind", "python:3"}, {"binary", false}, {"main", "run"}, {"code", source}}));
  EXPECT_EQ(*controller_.distributed.back()->code, source);
  for (const char* kind : {"python:3", "python:3.9", "python:3.12"}) {
    const std::string body = exec({{"kind", kind}, {"code", source}});
    EXPECT_EQ(json(send("PUT", at("/py?overwrite=true"), body))["exec"]["kind"], "python:3");
  }
  expect_error(send("PUT", at("/x"), exec({{"kind", "python:2"}, {"code", source}})), 400,
               "the kinds are: cpp:1, python:3, blackbox, native");
  expect_error(send("PUT", at("/x"), exec({{"code", source}, {"binary", true}})), 400, "not base64");
  expect_error(send("PUT", at("/x"), exec({{"code", "UEsDBA=="}})), 400, "zip archive");
  expect_error(send("PUT", at("/x"), exec({{"code", source}, {"main", "a b"}})), 400, "exec.main is \"a b\"");
  expect_error(send("PUT", at("/x"), exec({{"code", std::string("a\0b", 3)}})), 400, "zero bytes");
}

TEST_F(ActionsTest, ABlackboxIsAnArchiveForAnImageThatIsKnown) {
  const std::string zip = base64_encode(make_zip({kZipMain}));
  const auto put = [&](const Json& exec) {
    Json body = {{"exec", {{"kind", "blackbox"}, {"binary", true}, {"code", zip}}}};
    body["exec"].update(exec);
    return send("PUT", at("/b?overwrite=True"), dump_json(body));
  };
  options_.runtimes = *parse_runtimes("lithopscloud/*=python:/venv");
  options_.has_image = [](const std::string& name) { return name == "mine:1"; };
  emplace_api();
  for (const char* image : {"docker.io/lithopscloud/openwhisk-python-v311", "lithopscloud/x:tag", "mine:1"}) {
    const auto stored = put({{"image", image}});
    ASSERT_EQ(stored.status, 200U) << stored.body;
    EXPECT_EQ(json(stored)["exec"], Json({{"kind", "blackbox"}, {"binary", true}, {"image", image}}));
  }
  const auto unknown = put({{"image", "docker.io/somebody/else:2"}});
  expect_error(unknown, 400, "exec.image 'docker.io/somebody/else:2' is not here");
  expect_error(unknown, 400, "gust image import docker.io/somebody/else:2 docker://docker.io/somebody/else:2");
  expect_error(unknown, 400, "docker.io/somebody/else:2=python:FOLDER");
  expect_error(put(Json::object()), 400, "exec.image is missing");
  expect_error(put({{"image", "host"}}), 400, "exec.image is missing");
  expect_error(put({{"image", "lithopscloud/x"}, {"code", base64_encode("import os")}}), 400,
               "it is not a zip archive");
  expect_error(put({{"image", "lithopscloud/x"}, {"code", ""}}), 400, "exec.code is missing");
}

TEST_F(ActionsTest, WhatAnImageServesIsLeftToItsServer) {
  options_.runtimes = *parse_runtimes("served/*=image:*,http;nodejs:20=image:node,http:/bin/proxy;py=python:/venv");
  options_.has_image = [](const std::string& name) { return name == "mine:1"; };
  emplace_api();
  const auto put = [&](const Json& exec) { return send("PUT", at("/s?overwrite=true"), dump_json({{"exec", exec}})); };
  const Json source = {{"kind", "blackbox"}, {"image", "served/1"}, {"code", "console.log(1)"}};
  ASSERT_EQ(put(source).status, 200U);
  EXPECT_EQ(get(at("/s"))["exec"],
            Json({{"kind", "blackbox"}, {"binary", false}, {"image", "served/1"}, {"code", "console.log(1)"}}));
  for (const char* image : {"served/1", "mine:1"}) {
    EXPECT_EQ(put({{"kind", "blackbox"}, {"image", image}}).status, 200U) << "an image may be all of an action";
    EXPECT_EQ(put({{"kind", "blackbox"}, {"image", image}, {"code", "source"}}).status, 200U);
  }
  ASSERT_EQ(put({{"kind", "nodejs:20"}, {"code", "function main() {}"}}).status, 200U);
  EXPECT_EQ(get(at("/s"))["exec"]["kind"], "nodejs:20");
  expect_error(put({{"kind", "nodejs:18"}, {"code", "function main() {}"}}), 400,
               "kind \"nodejs:18\" does not exist here");
  const std::string bad = base64_encode(make_zip({{.name = "../out", .content = "x"}}));
  expect_error(put({{"kind", "blackbox"}, {"image", "served/1"}, {"code", bad}}), 400, "leads out of it");
}

TEST_F(ActionsTest, CompiledCodeRunsWhateverItsKindIsCalled) {
  const auto put = [&](const Json& more) {
    Json exec = {{"kind", "rust:1.34"}, {"main", ""}};
    exec.update(more);
    return send("PUT", at("/r?overwrite=true"), dump_json({{"exec", exec}}));
  };
  const std::string zip = base64_encode(make_zip({{.name = "exec", .content = "#!/bin/sh"}}));
  for (const Json& code : {Json({{"code", zip}, {"binary", true}}), Json({{"code", zip}})}) {
    const auto stored = put(code);
    ASSERT_EQ(stored.status, 200U) << stored.body;
    EXPECT_EQ(json(stored)["exec"]["kind"], "rust:1.34");
    EXPECT_TRUE(json(stored)["exec"]["binary"].get<bool>());
  }
  const std::string source_zip = base64_encode(make_zip({{.name = "src/main.rs", .content = "fn main() {}"}}));
  for (const char* part : {"kind \"rust:1.34\"", "as exec at the top level", "kind blackbox"}) {
    expect_error(put({{"code", "pub fn main() {}"}}), 400, part);
    expect_error(put({{"code", source_zip}, {"binary", true}}), 400, part);
    expect_error(put({{"code", base64_encode(kElf)}, {"binary", true}}), 400, part);
  }
}

TEST_F(ActionsTest, AMinorVersionIsKeptWhereItStandsForSomething) {
  options_.runtimes = *parse_runtimes("python:3.9=image:py39");
  emplace_api();
  const auto kind_of = [&](const char* kind) {
    const Json body = {{"exec", {{"kind", kind}, {"code", "def main(args): return {}"}}}};
    return json(send("PUT", at("/k?overwrite=true"), dump_json(body)))["exec"]["kind"];
  };
  EXPECT_EQ(kind_of("python:3.9"), "python:3.9");
  EXPECT_EQ(kind_of("python:3.10"), "python:3");
  EXPECT_EQ(kind_of("python:default"), "python:3");
}

TEST_F(ActionsTest, AnExistingNameNeedsOverwrite) {
  deploy("a");
  expect_error(send("PUT", at("/a"), put_body()), 409, "resource already exists");
  expect_error(send("PUT", at("/a?overwrite=false"), put_body()), 409, "resource already exists");
  EXPECT_EQ(json(send("PUT", at("/a?overwrite=True"), put_body()))["version"], "0.0.2");
  expect_error(send("PUT", at("/a?overwrite=maybe"), put_body()), 400, "overwrite=maybe");
}

TEST_F(ActionsTest, AnUpdateKeepsWhatItDoesNotMention) {
  deploy("a", {{"limits", {{"memory", 128}}}, {"parameters", {{{"key", "k"}, {"value", 1}}}}});
  ASSERT_EQ(send("PUT", at("/a?overwrite=true"), R"({"limits":{"timeout":1000}})").status, 200U);
  const Json action = get(at("/a"));
  EXPECT_EQ(action["limits"]["memory"], 128);
  EXPECT_EQ(action["limits"]["timeout"], 1000);
  EXPECT_EQ(action["parameters"].size(), 1U);
  EXPECT_EQ(action["annotations"].size(), 1U) << "one annotation exec";
  EXPECT_EQ(action["exec"]["code"], base64_encode(kElf));
}

TEST_F(ActionsTest, AnnotationsStayUntilTheyAreDeleted) {
  const auto note = [](const char* key, const Json& value) { return Json{{"key", key}, {"value", value}}; };
  const auto update = [&](const Json& body) {
    ASSERT_EQ(send("PUT", at("/a?overwrite=true"), dump_json(body)).status, 200U);
  };
  deploy("a", {{"annotations", Json::array({note("x", 1), note("y", 1)})}});
  update({{"annotations", Json::array({note("y", 2), note("z", 3)})}});
  EXPECT_EQ(get(at("/a"))["annotations"],
            Json::array({note("x", 1), note("y", 2), note("z", 3), note("exec", "cpp:1")}));
  update({{"delAnnotations", Json::array({"x", "y", "absent"})}, {"annotations", Json::array({note("y", 4)})}});
  EXPECT_EQ(get(at("/a"))["annotations"], Json::array({note("z", 3), note("y", 4), note("exec", "cpp:1")}));
  expect_error(send("PUT", at("/a?overwrite=true"), R"({"delAnnotations":"z"})"), 400, "delAnnotations is \"z\"");
  expect_error(send("PUT", at("/a?overwrite=true"), R"({"delAnnotations":[7]})"), 400, "delAnnotations is [7]");
}

TEST_F(ActionsTest, NamesFollowOpenWhisksRules) {
  for (const char* name : {"a", "_x", "docker.io_x_y_256MB_3.7.1", "a%20b", "a@b-c.d", "9", "lithops_me:1f"}) {
    EXPECT_EQ(send("PUT", at("/") + name, put_body()).status, 200U) << name;
  }
  EXPECT_EQ(get(at("/a%20b"))["name"], "a b");
  for (const char* name : {"a%21", "-a", ".a", "@a", "%20a", ":a", "a%20", "a$b", "%C3%A4"}) {
    expect_error(send("PUT", at("/") + name, put_body()), 400, "not a valid name");
  }
  EXPECT_EQ(send("PUT", at("/") + std::string(256, 'a'), put_body()).status, 200U);
  expect_error(send("PUT", at("/") + std::string(257, 'a'), put_body()), 400, "256");
}

TEST_F(ActionsTest, PathsThroughAPackageAreNotFound) {
  for (const char* method : {"GET", "PUT", "DELETE", "POST"}) {
    expect_error(send(method, at("/pkg/a"), put_body()), 404, "no package pkg in namespace guest");
  }
  expect_error(send("GET", at("/pkg/")), 404, "no package pkg");
  expect_error(send("GET", at("/pkg/a/b")), 400, "not a valid name");
}

TEST_F(ActionsTest, WrongBodiesAreRefusedWithTheMemberAndWhatIsRight) {
  const auto refused = [this](const std::string& body, const std::string& part) {
    expect_error(send("PUT", at("/a"), body), 400, part);
  };
  refused("{", "not JSON");
  refused("[]", "not a JSON object");
  refused("", "exec is missing");
  refused(R"({"exec":7})", "exec is 7");
  refused(R"({"exec":{}})", "exec.kind is missing");
  refused(R"({"exec":{"kind":5}})", "exec.kind is 5");
  refused(R"({"exec":{"kind":"cpp:1","image":7}})", "exec.image is 7");
  refused(R"({"exec":{"kind":"cpp:1","image":"../x"}})", "exec.image: '../x' cannot name an image");
  refused(R"({"exec":{"kind":"cobol:1","code":"eA=="}})",
          "kind \"cobol:1\" does not exist here; the kinds are: cpp:1, python:3, blackbox, native");
  for (const char* kind : {"python", "python:", "python:2", "python:4", "python:3.", "python:3.x", "cpp:1.2"}) {
    refused(R"({"exec":{"kind":")" + std::string(kind) + R"(","code":"eA=="}})", "does not exist here");
  }
  refused(R"({"exec":{"kind":"cpp:1"}})", "exec.code is missing");
  refused(R"({"exec":{"kind":"cpp:1","code":"%%%"}})", "not base64");
  refused(R"({"exec":{"kind":"cpp:1","code":"eA=="}})", "not an ELF shared object");
  refused(put_body({{"limits", 5}}), "limits is 5");
  refused(put_body({{"limits", {{"timeout", 99}}}}),
          "limits.timeout is 99; it must be a whole number of 100 to 3600000");
  refused(put_body({{"limits", {{"timeout", 3'600'001}}}}), "limits.timeout is 3600001");
  refused(put_body({{"limits", {{"timeout", -1}}}}), "limits.timeout is -1");
  refused(put_body({{"limits", {{"timeout", "60 s"}}}}), "limits.timeout is \"60 s\"");
  refused(put_body({{"limits", {{"memory", 15}}}}),
          "limits.memory is 15; it must be a whole number of 16 to 1048576 MB");
  refused(put_body({{"limits", {{"memory", 1.5}}}}), "limits.memory is 1.5");
  refused(put_body({{"limits", {{"memory", (1 << 20) + 1}}}}), "limits.memory");
  refused(put_body({{"limits", {{"logs", 1025}}}}), "limits.logs is 1025");
  refused(put_body({{"limits", {{"processes", 0}}}}),
          "limits.processes is 0; it must be a whole number of 1 to 100000 processes and threads");
  refused(put_body({{"limits", {{"openFiles", 15}}}}),
          "limits.openFiles is 15; it must be a whole number of 16 to 1000000 files");
  refused(put_body({{"limits", {{"cpu", 0}}}}), "limits.cpu is 0; it must be a whole number of 1 to 1000 percent");
  refused(put_body({{"limits", {{"tmp", 0}}}}), "limits.tmp is 0; it must be a whole number of 1 to 1048576 MB");
  refused(put_body({{"limits", {{"tmp", 257}}}}),
          "limits.tmp is 257 MB and limits.memory 256 MB; files in /tmp are memory");
  refused(put_body({{"annotations", {{"a", 1}}}}), "annotations is");
  refused(put_body({{"parameters", {{{"value", 1}}}}}), "parameters is");
  refused(put_body({{"publish", "yes"}}), "publish is \"yes\"");
  EXPECT_TRUE(get(at("")).empty()) << "nothing was stored";
  EXPECT_TRUE(controller_.distributed.empty());
}

TEST_F(ActionsTest, CodeOverTheLimitIsTooLarge) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "48 MB byte by byte takes minutes under the thread sanitizer";
#endif
#endif
  std::string code = kElf;
  code.resize(48U << 20);
  const auto body = [](const std::string& bytes) {
    return R"({"exec":{"kind":"cpp:1","code":")" + base64_encode(bytes) + R"("}})";
  };
  EXPECT_EQ(send("PUT", at("/a"), body(code)).status, 200U);
  code += 'x';
  expect_error(send("PUT", at("/b"), body(code)), 413, "the limit is 48 MB");
}

TEST_F(ActionsTest, TheRealInspectorRefusesWhatIsNoSharedObject) {
  const Api api(controller_, stores_.all(), keys(), ApiOptions{.version = "1", .runtimes = {}});
  http::Request request{.method = "PUT",
                        .path = at("/a"),
                        .query = {},
                        .headers = {{"Authorization", "Basic " + base64_encode("user:password")}},
                        .body = R"({"exec":{"kind":"cpp:1","code":"aGVsbG8="}})"};
  http::Response answer;
  api.handle(std::move(request), [&](http::Response response) { answer = std::move(response); });
  expect_error(answer, 400, "exec.code: ");
}

TEST_F(ActionsTest, ListsBriefsNewestFirst) {
  for (const char* name : {"a", "b", "c"}) deploy(name);
  Json all = get(at(""));
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0]["name"], "c");
  all[0]["updated"] = 0;
  EXPECT_EQ(
      dump_json(all[0]),
      R"({"namespace":"guest","name":"c","version":"0.0.1","publish":false,)"
      R"("annotations":[{"key":"exec","value":"cpp:1"}],"updated":0,)"
      R"("limits":{"timeout":60000,"memory":256,"logs":10,"processes":256,"openFiles":1024,"cpu":100},"exec":{"binary":true}})");
  const Json second = get(at("?limit=1&skip=1"));
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0]["name"], "b");
  EXPECT_EQ(dump_json(get(at("?count=true"))), R"({"actions":3})");
  EXPECT_EQ(get(at("?count=true&skip=2"))["actions"], 1);
  EXPECT_EQ(get(at("?skip=9")).size(), 0U);
  EXPECT_EQ(get(at("/")).size(), 3U);
}

TEST_F(ActionsTest, LimitDefaultsTo30And0Means200) {
  for (int i = 0; i < 205; ++i) deploy("a" + std::to_string(i));
  EXPECT_EQ(get(at("")).size(), 30U);
  EXPECT_EQ(get(at("?limit=0")).size(), 200U);
  EXPECT_EQ(get(at("?limit=200")).size(), 200U);
  expect_error(send("GET", at("?limit=201")), 400, "limit=201 is not a whole number of 0 to 200");
  expect_error(send("GET", at("?limit=-1")), 400, "limit=-1");
  expect_error(send("GET", at("?limit=ten")), 400, "limit=ten");
  expect_error(send("GET", at("?skip=-1")), 400, "skip=-1");
  expect_error(send("GET", at("?skip=")), 400, "skip=");
  expect_error(send("GET", at("?count=1")), 400, "count=1");
}

TEST_F(ActionsTest, DeleteGivesTheEntity) {
  deploy("a");
  const auto removed = send("DELETE", at("/a"));
  EXPECT_EQ(removed.status, 200U);
  EXPECT_EQ(json(removed)["name"], "a");
  EXPECT_EQ(json(removed)["exec"]["code"], base64_encode(kElf));
  expect_error(send("DELETE", at("/a")), 404, "no action a in namespace guest");
  expect_error(send("GET", at("/a")), 404, "no action a");
}

}  // namespace
}  // namespace gust::openwhisk
