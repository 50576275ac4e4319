#include <dlfcn.h>

#include "pack/code.h"

namespace gust::pack {

namespace {

class CppCode final : public Code {
 public:
  explicit CppCode(gust_work_function function) : work_(function) {}
  int work(gust_burst* burst, std::string_view params) override { return work_(burst, params.data(), params.size()); }

 private:
  gust_work_function work_;
};

std::string last_error() {
  const char* text = dlerror();
  return text != nullptr ? text : "no reason given";
}

}  // namespace

Result<std::unique_ptr<Code>> load_cpp(const std::string& path) {
  // All symbols now: what is missing is to be an error of the load and not a crash in the middle of the work. The
  // handle is never closed: the object's threads and thread-local variables may outlive its last worker.
  void* object = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) {
    return fail(ErrorCode::kInvalid, "the worker object could not be loaded: " + last_error());
  }
  const auto* worker = static_cast<const gust_worker_object*>(dlsym(object, GUST_WORKER_SYMBOL));
  if (worker == nullptr) {
    return fail(ErrorCode::kInvalid, "the worker object does not export `" GUST_WORKER_SYMBOL
                                     "`; end its source with GUST_WORKER(work), from <gust/worker.h>");
  }
  if (worker->abi_version != GUST_ABI_VERSION) {
    return fail(ErrorCode::kVersionMismatch,
                "the worker object was built for version " + std::to_string(worker->abi_version) +
                    " of Gust's ABI, and this gust-pack runs version " + std::to_string(GUST_ABI_VERSION) +
                    "; build it again with this Gust's headers");
  }
  if (worker->size < sizeof(gust_worker_object) || worker->work == nullptr) {
    return fail(ErrorCode::kInvalid, "the worker object's `" GUST_WORKER_SYMBOL
                                     "` has no function to run; define it with GUST_WORKER(work)");
  }
  return std::make_unique<CppCode>(worker->work);
}

}  // namespace gust::pack
