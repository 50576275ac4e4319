// Connections between real ends: over Unix and TCP sockets, plain and with TLS, and with peers that break the rules.
#include "protocol/control/connection.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

#include "base/testing/test_folder.h"
#include "protocol/control.pb.h"
#include "protocol/control/listener.h"

namespace gust::protocol {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;

constexpr std::chrono::seconds kPatience{20};

/// What one end has seen.
struct Seen {
  std::vector<std::string> messages;
  std::size_t written = 0;
  std::optional<Error> end;

  ConnectionEvents events() {
    return {.message = [this](std::string_view bytes) { messages.emplace_back(bytes); },
            .written = [this] { ++written; },
            .ended = [this](const Error& error) { end = error; }};
  }
};

InvokerMessage message_of(std::size_t bytes) {
  InvokerMessage message;
  message.mutable_join()->set_token(std::string(bytes, 'x'));
  return message;
}

std::string text_of(const google::protobuf::MessageLite& message) { return message.SerializeAsString(); }

class ConnectionTest : public testing::Test {
 protected:
  void listen(const std::string& address, TlsContext tls = nullptr) {
    auto opened = Listener::open(io_.get_executor(), address);
    ASSERT_TRUE(opened) << opened.error().message;
    listener_ = std::move(*opened);
    listener_->accept(
        [this, tls](Socket socket) { server_ = Connection::accept(std::move(socket), tls, at_server_.events()); });
  }
  void listen() { listen("127.0.0.1:0"); }

  void connect(TlsContext tls = nullptr) {
    client_ = Connection::connect(io_.get_executor(), listener_->address(), std::move(tls), at_client_.events());
  }

  template <class Condition>
  bool until(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    io_.restart();
    while (!condition() && std::chrono::steady_clock::now() < end) io_.run_one_for(100ms);
    return condition();
  }

  /// A client that is none of ours.
  tcp::socket stranger() {
    tcp::socket socket(io_);
    const std::string& address = listener_->address();
    socket.connect({boost::asio::ip::make_address("127.0.0.1"),
                    static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)))});
    return socket;
  }
  /// The same, when the server has had a message of it.
  tcp::socket talking_stranger() {
    tcp::socket socket = stranger();
    const std::string message = text_of(message_of(1));
    boost::asio::write(socket,
                       boost::asio::buffer("GUST" + std::string{static_cast<char>(message.size()), 0, 0, 0} + message));
    EXPECT_TRUE(until([&] { return at_server_.messages.size() == 1; }));
    return socket;
  }

  void exchange_messages() {
    for (const std::size_t size : {1UL, 10'000UL, 3'000'000UL, 5UL}) client_->send(message_of(size));
    ASSERT_TRUE(until([&] { return at_server_.messages.size() == 4; }));
    EXPECT_EQ(at_server_.messages[1], text_of(message_of(10'000)));
    EXPECT_EQ(at_server_.messages[2], text_of(message_of(3'000'000)));
    for (std::size_t i = 1; i <= 200; ++i) server_->send(message_of(i));
    ASSERT_TRUE(until([&] { return at_client_.messages.size() == 200; }));
    for (std::size_t i = 1; i <= 200; ++i) EXPECT_EQ(at_client_.messages[i - 1], text_of(message_of(i)));
    EXPECT_TRUE(until([&] { return at_client_.written == 4 && at_server_.written == 200; }));
  }

  boost::asio::io_context io_;
  TestFolder folder_;
  std::unique_ptr<Listener> listener_;
  Seen at_server_;
  Seen at_client_;
  std::shared_ptr<Connection> server_;
  std::shared_ptr<Connection> client_;
};

TEST_F(ConnectionTest, MessagesArriveWholeAndInOrderOverUnixSockets) {
  listen("unix:" + (folder_.path() / "socket").string());
  connect();
  exchange_messages();
}

TEST_F(ConnectionTest, MessagesArriveWholeAndInOrderOverTcp) {
  listen("localhost:0");
  connect();
  exchange_messages();
}

TEST_F(ConnectionTest, MessagesArriveWholeAndInOrderOverTls) {
  const Certificate authority = make_authority("us", 1h).value();
  const auto identity = [&](const char* name, CertificateUse use) {
    const std::string key = make_private_key().value();
    auto chain = sign_certificate(authority, make_certificate_request(key).value(),
                                  {.common_name = name, .names = {name}, .use = use, .life = 1h});
    return TlsIdentity{.certificate = {.chain = std::move(*chain), .private_key = key}, .authority = authority.chain};
  };
  listen("127.0.0.1:0", server_tls(identity("gust-controller", CertificateUse::kServer)).value());
  connect(client_tls(identity("node-1", CertificateUse::kClient)).value());
  exchange_messages();
  ASSERT_TRUE(server_->peer());
  EXPECT_EQ(server_->peer()->name, "node-1");
}

TEST_F(ConnectionTest, BytesMayComeOneByOne) {
  listen();
  auto socket = stranger();
  const std::string message = text_of(message_of(300));
  std::string bytes = "GUST";
  bytes += std::string{'\x32', '\x01', '\0', '\0'} + message + std::string(4, '\0') + std::string{'\x32', '\x01', 0, 0};
  ASSERT_EQ(message.size(), 0x132U);
  socket.set_option(tcp::no_delay(true));
  for (const char byte : bytes + message) {
    boost::asio::write(socket, boost::asio::buffer(&byte, 1));
    io_.poll();
  }
  ASSERT_TRUE(until([&] { return at_server_.messages.size() == 2; }));
  EXPECT_EQ(at_server_.messages[0], message);
  EXPECT_EQ(at_server_.messages[1], message);
  EXPECT_FALSE(at_server_.end);
}

TEST_F(ConnectionTest, OtherProtocolsAreRecognised) {
  listen();
  auto socket = stranger();
  boost::asio::write(socket, boost::asio::buffer(std::string("GET / HTTP/1.1\r\n\r\n")));
  ASSERT_TRUE(until([&] { return at_server_.end.has_value(); }));
  EXPECT_EQ(at_server_.end->code, ErrorCode::kVersionMismatch);
  char byte = 0;
  boost::system::error_code error;
  EXPECT_EQ(socket.read_some(boost::asio::buffer(&byte, 1), error), 0U) << "a stranger is told nothing";
}

TEST_F(ConnectionTest, ServersOfOtherProtocolsAreRecognised) {
  for (const auto& [answer, code] :
       {std::pair{std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), ErrorCode::kVersionMismatch},
        std::pair{std::string("\x15\x03\x01\x00\x02\x02\x46"), ErrorCode::kUnavailable}}) {
    at_client_ = {};
    auto other = *Listener::open(io_.get_executor(), "127.0.0.1:0");
    std::optional<Socket> accepted;
    other->accept([&](Socket socket) {
      accepted = std::move(socket);
      boost::asio::write(*accepted, boost::asio::buffer(answer));
    });
    client_ = Connection::connect(io_.get_executor(), other->address(), nullptr, at_client_.events());
    ASSERT_TRUE(until([&] { return at_client_.end.has_value(); }));
    EXPECT_EQ(at_client_.end->code, code) << at_client_.end->message;
  }
}

TEST_F(ConnectionTest, AnnouncedSizesAreLimited) {
  listen();
  auto socket = stranger();
  boost::asio::write(socket, boost::asio::buffer(std::string("GUST\x01\0\0\x01", 8)));  // 16 MiB and a byte
  ASSERT_TRUE(until([&] { return at_server_.end.has_value(); }));
  EXPECT_EQ(at_server_.end->code, ErrorCode::kInvalid);

  at_server_ = {};
  connect();
  client_->send(message_of(1));
  ASSERT_TRUE(until([&] { return at_server_.messages.size() == 1; }));
  server_->allow(std::size_t{32} << 20);
  client_->send(message_of(std::size_t{17} << 20));
  EXPECT_TRUE(until([&] { return at_server_.messages.size() == 2; }));
}

TEST_F(ConnectionTest, ASilentPeerIsNoticed) {
  listen();
  auto socket = talking_stranger();
  const auto begin = std::chrono::steady_clock::now();
  boost::asio::write(socket, boost::asio::buffer(std::string(4, '\0')));
  server_->watch(300ms);
  ASSERT_TRUE(until([&] { return at_server_.end.has_value(); }));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 250ms);
  EXPECT_NE(at_server_.end->message.find("nothing was heard for 0.3 s"), std::string::npos) << at_server_.end->message;
  std::string bytes;
  boost::system::error_code error;
  boost::asio::read(socket, boost::asio::dynamic_buffer(bytes), error);
  EXPECT_EQ(bytes, std::string("GUST\0\0\0\0", 8)) << "a heartbeat is answered by another one";
}

TEST_F(ConnectionTest, AServerShowsThatItLivesWhileALargeMessageComes) {
  listen();
  auto socket = talking_stranger();
  server_->watch(300ms);
  boost::asio::write(socket, boost::asio::buffer(std::string("\0\0\1\0", 4)));  // 64 KiB
  std::string heard(12, 'x');
  bool over = false;
  boost::asio::async_read(socket, boost::asio::buffer(heard), [&](auto error, std::size_t) { over = !error; });
  ASSERT_TRUE(until([&] {
    boost::asio::write(socket, boost::asio::buffer("x", 1));
    io_.run_for(20ms);
    return over;
  }));
  EXPECT_EQ(heard, std::string("GUST\0\0\0\0\0\0\0\0", 12));
  EXPECT_FALSE(at_server_.end);
}

TEST_F(ConnectionTest, ConnectionsWithNothingToSayStand) {
  listen();
  connect();
  client_->send(message_of(1));
  ASSERT_TRUE(until([&] { return at_server_.messages.size() == 1; }));
  server_->watch(400ms);
  client_->begin_heartbeat(20ms);
  client_->watch(400ms);
  io_.restart();
  io_.run_for(1s);
  EXPECT_FALSE(at_server_.end) << at_server_.end->message;
  EXPECT_FALSE(at_client_.end) << at_client_.end->message;
  EXPECT_EQ(at_server_.messages.size(), 1U);
}

TEST_F(ConnectionTest, AProcessThatWasAsleepTakesNobodyForGone) {
  listen();
  connect();
  client_->send(message_of(1));
  ASSERT_TRUE(until([&] { return at_server_.messages.size() == 1; }));
  server_->watch(200ms);
  std::this_thread::sleep_for(300ms);  // nothing runs meanwhile
  client_->send(message_of(1));
  EXPECT_TRUE(until([&] { return at_server_.messages.size() == 2 || at_server_.end; }));
  EXPECT_EQ(at_server_.messages.size(), 2U);
}

TEST_F(ConnectionTest, AClientThatWasLateAsksBeforeItJudges) {
  listen();
  connect();
  client_->send(message_of(1));
  ASSERT_TRUE(until([&] { return at_server_.messages.size() == 1; }));
  client_->begin_heartbeat(100ms);
  client_->watch(250ms);
  std::this_thread::sleep_for(500ms);
  io_.restart();
  io_.run_for(1s);
  EXPECT_FALSE(at_client_.end) << at_client_.end->message;
}

TEST_F(ConnectionTest, LastWordsArriveAlsoWhereThePeerIsNotListenedTo) {
  listen();
  connect();
  client_->send(message_of(1));
  ASSERT_TRUE(until([&] { return at_server_.messages.size() == 1; }));
  for (int i = 0; i < 20; ++i) client_->send(message_of(100'000));
  server_->send(message_of(7));
  server_->finish();
  ASSERT_TRUE(until([&] { return at_server_.end.has_value() && at_client_.end.has_value(); }));
  ASSERT_EQ(at_client_.messages.size(), 1U);
  EXPECT_EQ(at_client_.messages[0], text_of(message_of(7)));
  EXPECT_EQ(at_client_.end->code, ErrorCode::kUnavailable);
  EXPECT_EQ(at_server_.messages.size(), 1U) << "what comes then is dropped";
}

TEST_F(ConnectionTest, ClosedByUsSaysNothing) {
  listen();
  connect();
  client_->send(message_of(1));
  ASSERT_TRUE(until([&] { return at_server_.messages.size() == 1; }));
  client_->close();
  ASSERT_TRUE(until([&] { return at_server_.end.has_value(); }));
  EXPECT_FALSE(at_client_.end);
}

TEST_F(ConnectionTest, ClosedBeforeItStandsItIsNeverOpened) {
  listen("localhost:0");
  for (const std::string& address :
       {listener_->address(), "127.0.0.1" + listener_->address().substr(listener_->address().rfind(':'))}) {
    client_ = Connection::connect(io_.get_executor(), address, nullptr, at_client_.events());
    client_->send(message_of(1));
    client_->close();
    io_.restart();
    io_.run_for(200ms);
    EXPECT_TRUE(at_server_.messages.empty()) << address;
    EXPECT_FALSE(at_client_.end);
  }
}

TEST_F(ConnectionTest, WhereNobodyListensIsUnavailable) {
  for (const char* address : {"127.0.0.1:1", "unix:/nowhere/at/all", "no.such.name.invalid:1"}) {
    at_client_ = {};
    client_ = Connection::connect(io_.get_executor(), address, nullptr, at_client_.events());
    ASSERT_TRUE(until([&] { return at_client_.end.has_value(); })) << address;
    EXPECT_EQ(at_client_.end->code, ErrorCode::kUnavailable) << at_client_.end->message;
  }
  client_ = Connection::connect(io_.get_executor(), "somewhere", nullptr, at_client_.events());
  at_client_ = {};
  ASSERT_TRUE(until([&] { return at_client_.end.has_value(); }));
  EXPECT_EQ(at_client_.end->code, ErrorCode::kInvalid);
}

TEST_F(ConnectionTest, AnAddressHasOneListener) {
  const std::string address = "unix:" + (folder_.path() / "socket").string();
  listen(address);
  const auto second = Listener::open(io_.get_executor(), address);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("another controller"), std::string::npos) << second.error().message;
  const auto taken = [&] {
    auto first = Listener::open(io_.get_executor(), "127.0.0.1:0");
    return Listener::open(io_.get_executor(), (*first)->address()).has_value();
  };
  EXPECT_FALSE(taken());
  listener_.reset();
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "socket"));
}

TEST_F(ConnectionTest, ASocketThatWasLeftBehindIsReplaced) {
  const auto path = folder_.path() / "socket";
  {
    boost::asio::io_context io;
    boost::asio::local::stream_protocol::acceptor left(io,
                                                       boost::asio::local::stream_protocol::endpoint(path.string()));
  }
  ASSERT_TRUE(std::filesystem::exists(path));
  listen("unix:" + path.string());
  connect();
  client_->send(message_of(1));
  EXPECT_TRUE(until([&] { return at_server_.messages.size() == 1; }));
}

TEST_F(ConnectionTest, AListenerThatIsGoneAcceptsNobody) {
  auto opened = Listener::open(io_.get_executor(), "127.0.0.1:0");
  ASSERT_TRUE(opened);
  listener_ = std::move(*opened);
  std::vector<Socket> accepted;
  listener_->accept([&](Socket socket) {
    accepted.push_back(std::move(socket));
    // Before the handler of the second client, whom accepting finds there when it goes on.
    boost::asio::post(io_, [&] { listener_.reset(); });
  });
  const tcp::socket first = stranger();
  const tcp::socket second = stranger();
  ASSERT_TRUE(until([&] { return listener_ == nullptr; }));
  io_.poll();
  EXPECT_EQ(accepted.size(), 1);
}

TEST_F(ConnectionTest, WhatIsNoAddressIsRefused) {
  for (const std::string& address :
       {std::string(""), std::string("host"), std::string("host:"), std::string("host:70000"), std::string("::1:80"),
        std::string(":80"), std::string("unix:"), "unix:" + std::string(200, 'x')}) {
    const auto opened = Listener::open(io_.get_executor(), address);
    ASSERT_FALSE(opened) << address;
    EXPECT_EQ(opened.error().code, ErrorCode::kInvalid) << opened.error().message;
  }
}

}  // namespace
}  // namespace gust::protocol
