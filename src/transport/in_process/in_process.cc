#include "transport/in_process/in_process.h"

#include <cstring>
#include <utility>

namespace gust::transport {

using message::FrameHeader;
using message::FrameSink;
using message::Piece;

struct InProcessNetwork::Table {
  struct Entry {
    explicit Entry(FrameSink& entry_sink) : sink(entry_sink) {}
    FrameSink& sink;
    Mutex mutex;  // one frame at a time
    bool gone GUST_GUARDED_BY(mutex) = false;
  };
  Mutex mutex;
  CondVar news;
  std::map<PackId, std::shared_ptr<Entry>> entries GUST_GUARDED_BY(mutex);
};

class InProcessNetwork::Port final : public message::Transport {
 public:
  Port(std::shared_ptr<Table> table, PackId self, FrameSink& sink) : table_(std::move(table)), self_(self) {
    const MutexLock lock(table_->mutex);
    table_->entries[self] = std::make_shared<Table::Entry>(sink);
    table_->news.notify_all();
  }

  ~Port() override {
    std::shared_ptr<Table::Entry> entry;
    {
      const MutexLock lock(table_->mutex);
      entry = table_->entries.at(self_);
    }
    const MutexLock lock(entry->mutex);
    entry->gone = true;
  }

  Result<void> connect(PackId to, SteadyTime deadline) override {
    GUST_TRY(find(to, deadline));
    return {};
  }

  Result<void> send(PackId to, const FrameHeader& header, std::span<const Piece> pieces, SteadyTime deadline) override {
    const auto entry = GUST_TRY(find(to, deadline));
    const MutexLock lock(entry->mutex);
    if (entry->gone) return fail(ErrorCode::kUnavailable, "pack " + std::to_string(to.value()) + " is gone");
    std::byte* place = GUST_TRY(entry->sink.begin_frame(self_, header));
    if (place == nullptr) return {};
    for (const Piece& piece : pieces) {
      if (!piece.empty()) std::memcpy(place, piece.data(), piece.size());
      place += piece.size();
    }
    return entry->sink.end_frame(self_, header);
  }

  void stop() override {
    const MutexLock lock(table_->mutex);
    stopped_ = true;
    table_->news.notify_all();
  }

 private:
  Result<std::shared_ptr<Table::Entry>> find(PackId to, SteadyTime deadline) {
    const MutexLock lock(table_->mutex);
    while (true) {
      if (stopped_) return fail(ErrorCode::kUnavailable, "the transport was stopped");
      if (const auto found = table_->entries.find(to); found != table_->entries.end()) return found->second;
      if (std::chrono::steady_clock::now() >= deadline) {
        return fail(ErrorCode::kTimedOut, "timed out: pack " + std::to_string(to.value()) + " cannot be reached");
      }
      if (deadline == SteadyTime::max()) {
        table_->news.wait(table_->mutex);
      } else {
        table_->news.wait_until(table_->mutex, deadline);
      }
    }
  }

  std::shared_ptr<Table> table_;
  PackId self_;
  bool stopped_ = false;  // with the table's lock
};

InProcessNetwork::InProcessNetwork() : table_(std::make_shared<Table>()) {}
InProcessNetwork::~InProcessNetwork() = default;

message::TransportFactory InProcessNetwork::factory(PackId pack) {
  return [table = table_, pack](FrameSink& sink) -> Result<std::unique_ptr<message::Transport>> {
    return std::make_unique<Port>(table, pack, sink);
  };
}

}  // namespace gust::transport
