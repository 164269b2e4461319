#include "gannet/net/s3_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"
#include "gannet/core/text.h"

namespace gannet {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse_address(const std::string& why, const std::string& advice) {
  throw Error(ErrorKind::kUsage, why, {{}, 0, "--bucket"}, advice);
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string first_set(const Environment& environment, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (std::string value = environment(name); !value.empty()) return value;
  }
  return {};
}

/// One value of an INI file; empty where there is no such file, section or key.
std::string ini_value(const fs::path& path, const std::string& section, std::string_view key) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return {};
  bool inside = false;
  for (const std::string& line : split(read_file(path), '\n')) {
    const std::string_view text = trim(line);
    if (text.starts_with('[')) inside = text == "[" + section + "]";
    const auto equals = text.find('=');
    if (inside && equals != std::string_view::npos && trim(text.substr(0, equals)) == key)
      return std::string(trim(text.substr(equals + 1)));
  }
  return {};
}

/// A file of the user's .aws folder, unless a variable names another.
fs::path aws_file(const Environment& environment, const char* variable, const char* name) {
  if (const std::string given = environment(variable); !given.empty()) return given;
  const std::string home = environment("HOME");
  return home.empty() ? fs::path() : fs::path(home) / ".aws" / name;
}

std::string profile(const Environment& environment) {
  const std::string name = environment("AWS_PROFILE");
  return name.empty() ? "default" : name;
}

S3Keys find_keys(const Environment& environment) {
  S3Keys keys{environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"),
              environment("AWS_SESSION_TOKEN")};
  if (keys.id.empty() && keys.secret.empty()) {
    const fs::path file = aws_file(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
    const std::string section = profile(environment);
    keys = {ini_value(file, section, "aws_access_key_id"),
            ini_value(file, section, "aws_secret_access_key"),
            ini_value(file, section, "aws_session_token")};
  }
  if (keys.id.empty() || keys.secret.empty())
    refuse_address("the keys for the upload are missing",
                   "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  // A line break would end the header that they are sent in.
  const std::string all = keys.id + keys.secret + keys.session_token;
  if (std::any_of(all.begin(), all.end(), [](char c) { return c <= ' ' || c == 127; }))
    refuse_address("the keys for the upload hold blanks or line breaks",
                   "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN");
  return keys;
}

std::string find_region(const Environment& environment, const std::string& otherwise) {
  std::string region = first_set(environment, {"AWS_REGION", "AWS_DEFAULT_REGION"});
  if (region.empty()) {
    const std::string name = profile(environment);
    region = ini_value(aws_file(environment, "AWS_CONFIG_FILE", "config"),
                       name == "default" ? name : "profile " + name, "region");
  }
  if (region.empty()) return otherwise;
  if (!std::all_of(region.begin(), region.end(), [](char c) { return is_plain(c) || c == '-'; }))
    refuse_address(fmt::format("AWS_REGION is '{}', which is no region", region),
                   "give one like eu-west-1");
  return region;
}

std::string checked_endpoint(std::string endpoint) {
  while (endpoint.ends_with('/')) endpoint.pop_back();
  const auto host = endpoint.find("://") + 3;
  const bool http = endpoint.starts_with("https://") || endpoint.starts_with("http://");
  if (!http || host >= endpoint.size() || endpoint.find_first_of("@?# \t\r\n") != std::string::npos)
    refuse_address("AWS_ENDPOINT_URL is not the address of a server",
                   "give http(s)://host:port, without keys in it");
  return endpoint;
}

void check_bucket(const std::string& bucket) {
  const auto fits = [](char c) { return is_plain(c) || c == '-' || c == '.' || c == '_'; };
  if (bucket.size() < 3 || bucket.size() > 222 || bucket.find("..") != std::string::npos ||
      !std::all_of(bucket.begin(), bucket.end(), fits))
    refuse_address("the address names no bucket", "give s3://bucket/prefix or gs://bucket/prefix");
}

/// A '?' comes first: behind it may stand a signature, which no message may show.
void check_prefix(const std::string& prefix) {
  if (prefix.empty()) return;
  if (std::any_of(prefix.begin(), prefix.end(),
                  [](char c) { return c == '?' || (c >= 0 && c < 32); }))
    refuse_address("the address holds '?' or a control character", "leave it out");
  for (const std::string& part : split(prefix, '/')) {
    if (part.empty() || part == "." || part == "..")
      refuse_address(fmt::format("'{}' holds an empty part, '.' or '..'", prefix), "leave it out");
  }
}

std::string checked_ca_file(const std::string& path) {
  std::error_code error;
  if (!path.empty() && !fs::is_regular_file(path, error))
    refuse_address(fmt::format("AWS_CA_BUNDLE is '{}', which is no file", path),
                   "correct or unset it");
  return path;
}

/// A bucket with a dot has no certificate for a host name of its own.
std::string amazon_url(const std::string& region, const std::string& bucket) {
  const char* const domain = region.starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  if (bucket.find_first_of("._") != std::string::npos)
    return fmt::format("https://s3.{}.{}/{}", region, domain, bucket);
  return fmt::format("https://{}.s3.{}.{}", bucket, region, domain);
}

}  // namespace

S3Target resolve_s3_target(const std::string& address, const Environment& environment) {
  const bool google = address.starts_with("gs://");
  const std::string rest = address.substr(5);
  const auto slash = rest.find('/');
  const std::string bucket = rest.substr(0, slash);
  S3Target target;
  if (slash != std::string::npos) target.prefix = rest.substr(slash + 1);
  while (target.prefix.ends_with('/')) target.prefix.pop_back();
  check_bucket(bucket);
  check_prefix(target.prefix);
  target.address =
      address.substr(0, 5) + bucket + (target.prefix.empty() ? "" : "/" + target.prefix);
  target.keys = find_keys(environment);
  target.ca_file = checked_ca_file(environment("AWS_CA_BUNDLE"));
  target.region = google ? "auto" : find_region(environment, "us-east-1");
  const std::string endpoint =
      google ? "https://storage.googleapis.com"
             : first_set(environment, {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"});
  if (google) target.keys.session_token.clear();  // HMAC keys know none
  target.base_url = endpoint.empty() ? amazon_url(target.region, bucket)
                                     : checked_endpoint(endpoint) + "/" + bucket;
  return target;
}

std::string object_url(const S3Target& target, const std::string& remote_name) {
  const std::string key = target.prefix.empty() ? remote_name : target.prefix + "/" + remote_name;
  return target.base_url + "/" + percent_encoded(key);
}

std::string percent_encoded(std::string_view path) {
  std::string result;
  for (const char c : path) {
    if (is_plain(c) || std::string_view("-._~/").find(c) != std::string_view::npos) {
      result += c;
    } else {
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

}  // namespace gannet
