// What S3 answers, read from its XML.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "objectstore/object_store.h"

namespace gust::objectstore {

/// S3's own word for what went wrong. Empty where the body is no XML, as from a proxy between.
struct S3Error {
  std::string code;     ///< "NoSuchKey"
  std::string message;  ///< a sentence
};
S3Error read_error(const std::string& body);

/// A page of ListObjectsV2 that was asked for with encoding-type=url. kUnavailable where it is none.
Result<Page> read_list(const std::string& body);
/// Of CreateMultipartUpload.
Result<std::string> read_upload_id(const std::string& body);
/// Of DeleteObjects: the objects that were not deleted, "key: code"; empty when all were.
Result<std::vector<std::string>> read_not_deleted(const std::string& body);

/// `text` between tags, with '&', '<' and '>' as XML has them.
std::string xml_element(const char* name, std::string_view text);

}  // namespace gust::objectstore
