#include "gannet/serve/http_answers.h"

#include <exception>
#include <utility>

#include "gannet/core/error.h"
#include "gannet/core/log.h"
#include "gannet/core/text.h"
#include "gannet/serve/answer.h"
#include "gannet/serve/http_error.h"

namespace gannet {

using httplib::Request;
using httplib::Response;

void refuse(Response& response, int status, const std::string& why) {
  response.status = status;
  response.set_content(error_json(why), "application/json");
  response.set_header("Connection", "close");
  if (status == 401) response.set_header("WWW-Authenticate", "Bearer");
  if (status == 503) response.set_header("Retry-After", "1");
}

void answer_failures(httplib::Server& server, const std::string& failure) {
  server.set_exception_handler(
      [failure](const Request&, Response& response, std::exception_ptr thrown) {
        try {
          std::rethrow_exception(std::move(thrown));
        } catch (const HttpError& error) {
          refuse(response, error.status(), error.what());
        } catch (const Error& error) {
          refuse(response, error.kind() == ErrorKind::kData ? 400 : 500, error.message());
          if (response.status == 500) log_warning("a request failed: {}", error.what());
        } catch (const std::exception& error) {
          refuse(response, 500, failure);
          log_warning("a request failed: {}", printable(error.what()));
        }
      });
  server.set_error_handler([](const Request&, Response& response) {
    if (response.body.empty())
      refuse(response, response.status,
             response.status == 404 ? "there is nothing at this address"
                                    : "no request that can be read");
  });
}

bool equals_secret(std::string_view given, std::string_view secret) {
  volatile unsigned difference = given.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i)
    difference = difference | static_cast<unsigned char>(given[i] ^ secret[i % secret.size()]);
  return difference == 0;
}

bool bears_token(const Request& request, std::string_view token) {
  constexpr std::string_view kScheme = "Bearer ";
  const std::string given = request.get_header_value("Authorization");
  return given.starts_with(kScheme) &&
         equals_secret(std::string_view(given).substr(kScheme.size()), token);
}

}  // namespace gannet
