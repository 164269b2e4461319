// What the servers have in common: refusals as JSON, and who may ask. For sources only.
#pragma once

#include <httplib.h>

#include <string>
#include <string_view>

namespace gannet {

/// Answers with the reason; the connection closes after it.
void refuse(httplib::Response& response, int status, const std::string& why);

/// HttpError and Error of handlers become refusals; others are logged and answered with 500.
/// @param failure what is told of those others
void answer_failures(httplib::Server& server, const std::string& failure);

/// Whether the request has `Authorization: Bearer TOKEN`. Takes as long for a token that differs in
/// its first byte as for one that differs in its last.
bool bears_token(const httplib::Request& request, std::string_view token);
bool equals_secret(std::string_view given, std::string_view secret);

}  // namespace gannet
