// The one table between error codes and HTTP statuses, and the body that every error has.
#pragma once

#include <string>

#include "base/result.h"
#include "http/message.h"

namespace gust::http {

/// 400 for what will fail again as it is (OpenWhisk's clients repeat a 429, so kNeverFits is none), 401 denied,
/// 404, 409 exists or cancelled, 413, 429 busy now, 502 crashed user code, 503 unavailable, 504 timed out, else 500.
unsigned status_of(ErrorCode code);

/// `{"error": …, "code": <32 hex digits>}`: clients of OpenWhisk print "connection failed" unless both are there. The
/// header x-gust-error carries the code's stable name, for error_of(). A 401 has WWW-Authenticate: Basic.
Response error_response(const Error& error);

/// The same for a status that no ErrorCode stands for (405, 408, 431, …).
Response error_response(unsigned status, std::string message);

/// The error that a response outside 2xx tells of, ours or another server's: for a client's messages and exit code.
Error error_of(const Response& response);

}  // namespace gust::http
