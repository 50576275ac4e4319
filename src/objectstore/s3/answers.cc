#include "objectstore/s3/answers.h"

#include <algorithm>
#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <optional>
#include <sstream>
#include <utility>

#include "objectstore/s3/http.h"

namespace gust::objectstore {

namespace {

using Tree = boost::property_tree::ptree;

// The content of the root element, whatever its name; none where the text is no XML.
std::optional<Tree> parse(const std::string& body) {
  try {
    std::istringstream input(body);
    Tree document;
    boost::property_tree::read_xml(input, document, boost::property_tree::xml_parser::trim_whitespace);
    if (document.empty()) return std::nullopt;
    return document.front().second;
  } catch (const boost::property_tree::xml_parser_error&) {
    return std::nullopt;
  }
}

std::unexpected<Error> foreign(const char* what) {
  return fail(ErrorCode::kUnavailable, std::string("the answer is not S3's to ") + what);
}

}  // namespace

S3Error read_error(const std::string& body) {
  const auto root = parse(body);
  if (!root) return {};
  return {root->get("Code", ""), root->get("Message", "")};
}

Result<Page> read_list(const std::string& body) {
  const auto root = parse(body);
  if (!root || !root->get_child_optional("IsTruncated")) return foreign("ListObjectsV2");
  // Not every server does what it was asked for; those that do, say so.
  const bool encoded = root->get("EncodingType", "") == "url";
  Page page;
  for (const auto& [name, value] : *root) {
    if (name != "Contents") continue;
    std::string key = value.get("Key", "");
    if (encoded) {
      std::ranges::replace(key, '+', ' ');  // as forms have it; a plus is %2B
      key = percent_decode(key);
    }
    page.objects.push_back({std::move(key), value.get<std::uint64_t>("Size", 0)});
  }
  if (root->get("IsTruncated", "") == "true") page.next = root->get("NextContinuationToken", "");
  return page;
}

Result<std::string> read_upload_id(const std::string& body) {
  const auto root = parse(body);
  std::string id = root ? root->get("UploadId", "") : "";
  if (id.empty()) return foreign("CreateMultipartUpload");
  return id;
}

Result<std::vector<std::string>> read_not_deleted(const std::string& body) {
  const auto root = parse(body);
  if (!root) return foreign("DeleteObjects");
  std::vector<std::string> failures;
  for (const auto& [name, value] : *root) {
    if (name != "Error" || value.get("Code", "") == "NoSuchKey") continue;
    failures.push_back(value.get("Key", "") + ": " + value.get("Code", "") + " " + value.get("Message", ""));
  }
  return failures;
}

std::string xml_element(const char* name, std::string_view text) {
  std::string element = std::string("<") + name + ">";
  for (const char c : text) {
    switch (c) {
      case '&': element += "&amp;"; break;
      case '<': element += "&lt;"; break;
      case '>': element += "&gt;"; break;
      default: element += c;
    }
  }
  return element + "</" + name + ">";
}

}  // namespace gust::objectstore
