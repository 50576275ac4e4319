// Tells what a file holds: {"path": …} gives {"text": …}, "none" where there is no such file.
#include <fstream>
#include <gust/worker.h>
#include <iterator>
#include <string>

gust::Json work(const gust::Json& params, gust::Burst&) {
  std::ifstream file(params.at("path").get<std::string>());
  if (!file) return {{"text", "none"}};
  return {{"text", std::string(std::istreambuf_iterator<char>(file), {})}};
}

GUST_WORKER(work)
