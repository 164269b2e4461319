#include "gannet/observe/mlflow_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "gannet/core/error.h"
#include "gannet/core/text.h"
#include "gannet/net/json_exchange.h"

namespace gannet {
namespace {

using Json = nlohmann::json;

constexpr double kSeconds = 5;
constexpr std::size_t kMaxText = 500, kMaxBatch = 100;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string percent_encoded(const std::string& text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    encoded += std::isalnum(byte) != 0 ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return encoded;
}

/// A member of an answer, where it is text.
std::string text_at(const Json& json, const Json::json_pointer& place) {
  return json.contains(place) && json[place].is_string() ? json[place].get<std::string>() : "";
}

struct Answer {
  long status = 0;
  Json json;
};

/// @param body null: asks instead of telling
Answer ask(const std::string& url, const std::string& call, const Json& body) {
  const std::string address = url + "/api/2.0/mlflow/" + call;
  const JsonReply reply =
      exchange_json(address, body.is_null() ? std::string() : text_of(body), kSeconds);
  if (reply.status == 429 || reply.status >= 500)
    throw Error(ErrorKind::kIo, fmt::format("{} was answered with status {}", call, reply.status),
                {host_of_address(url), 0, {}});
  return {reply.status, Json::parse(reply.body, nullptr, false)};
}

[[noreturn]] void throw_refusal(const std::string& url, const std::string& call,
                                const Answer& answer) {
  const std::string why = text_at(answer.json, Json::json_pointer("/message"));
  throw Error(ErrorKind::kData,
              fmt::format("{} was answered with status {}: {}", call.substr(0, call.find('?')),
                          answer.status, printable(why.substr(0, kMaxText))),
              {host_of_address(url), 0, {}});
}

Json tell(const std::string& url, const std::string& call, const Json& body) {
  Answer answer = ask(url, call, body);
  if (answer.status != 200) throw_refusal(url, call, answer);
  return std::move(answer.json);
}

/// Throws where an answer lacks what it is for.
std::string id_in(const Json& answer, const char* place, const std::string& url) {
  std::string id = text_at(answer, Json::json_pointer(place));
  if (id.empty())
    throw Error(ErrorKind::kData, "does not answer as an MLflow server",
                {host_of_address(url), 0, {}});
  return id;
}

}  // namespace

MlflowClient::MlflowClient(std::string url) : url_(std::move(url)) {
  while (url_.ends_with('/')) url_.pop_back();
}

std::string MlflowClient::experiment(const std::string& name) const {
  const Answer made = ask(url_, "experiments/create", {{"name", name}});
  if (made.status == 200) return id_in(made.json, "/experiment_id", url_);
  const std::string code = text_at(made.json, Json::json_pointer("/error_code"));
  if (code != "RESOURCE_ALREADY_EXISTS") throw_refusal(url_, "experiments/create", made);
  const Json found =
      tell(url_, "experiments/get-by-name?experiment_name=" + percent_encoded(name), nullptr);
  return id_in(found, "/experiment/experiment_id", url_);
}

std::string MlflowClient::create_run(const std::string& experiment_id, const std::string& name,
                                     std::int64_t start_ms) const {
  const Json tags = {{{"key", "mlflow.runName"}, {"value", name}},
                     {{"key", "mlflow.source.name"}, {"value", "gannet train"}},
                     {{"key", "gannet.version"}, {"value", GANNET_VERSION}}};
  return id_in(tell(url_, "runs/create",
                    {{"experiment_id", experiment_id},
                     {"run_name", name},
                     {"start_time", start_ms},
                     {"tags", tags}}),
               "/run/info/run_id", url_);
}

void MlflowClient::log_params(const std::string& run, const MlflowTexts& params) const {
  for (std::size_t first = 0; first < params.size(); first += kMaxBatch) {
    Json list = Json::array();
    for (std::size_t i = first; i < std::min(params.size(), first + kMaxBatch); ++i)
      list.push_back({{"key", params[i].first}, {"value", params[i].second.substr(0, kMaxText)}});
    tell(url_, "runs/log-batch", {{"run_id", run}, {"params", list}});
  }
}

void MlflowClient::log_metrics(const std::string& run, const std::vector<MlflowMetric>& metrics,
                               std::int64_t step, std::int64_t time_ms) const {
  Json list = Json::array();
  for (const MlflowMetric& metric : metrics)
    if (std::isfinite(metric.value))
      list.push_back(
          {{"key", metric.name}, {"value", metric.value}, {"step", step}, {"timestamp", time_ms}});
  tell(url_, "runs/log-batch", {{"run_id", run}, {"metrics", list}});
}

void MlflowClient::set_tag(const std::string& run, const std::string& key,
                           const std::string& value) const {
  tell(url_, "runs/set-tag", {{"run_id", run}, {"key", key}, {"value", value}});
}

void MlflowClient::set_status(const std::string& run, const std::string& status,
                              std::int64_t end_ms) const {
  Json body = {{"run_id", run}, {"status", status}};
  if (end_ms > 0) body["end_time"] = end_ms;
  tell(url_, "runs/update", body);
}

}  // namespace gannet
