#include "gannet/net/s3_upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "tests/unit/net/s3_server.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using testing::Behaviour;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::S3Server;
using testing::thrown_error;
using enum testing::Behaviour;

UploadOptions quick() {
  UploadOptions options;
  options.attempts = 3;
  options.connect_seconds = 2;
  options.stall_seconds = 1;
  options.first_pause_seconds = 0.02;
  return options;
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

class S3Upload : public testing::TemporaryFolder {
 protected:
  static void SetUpTestSuite() { ::setenv("no_proxy", "*", 1); }

  static S3Target target_at(const std::string& endpoint,
                            std::map<std::string, std::string> more = {}) {
    more.merge(std::map<std::string, std::string>{{"AWS_ENDPOINT_URL", endpoint},
                                                  {"AWS_ACCESS_KEY_ID", S3Server::kId},
                                                  {"AWS_SECRET_ACCESS_KEY", S3Server::kSecret}});
    return resolve_s3_target("s3://bucket/runs/a b+ü", [more](const char* name) {
      const auto found = more.find(name);
      return found == more.end() ? std::string() : found->second;
    });
  }
  static constexpr const char* kObject = "/bucket/runs/a b+ü/weights/best.pt";

  /// One upload of a small file to a server that misbehaves so; the error that it ends with.
  Error failure_of(std::vector<Behaviour> script, int requests) {
    S3Server server(std::move(script));
    const auto uploader = make_s3_uploader(target_at(server.url()), quick());
    Error error = thrown_error([&] { uploader->put(write("f", "content"), "weights/best.pt"); });
    EXPECT_EQ(server.requests(), requests);
    EXPECT_TRUE(server.objects().empty());
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_THAT(error.what(), HasSubstr("s3://bucket/runs/a b+ü/weights/best.pt: cannot upload: "));
    EXPECT_THAT(error.what(), Not(HasSubstr(S3Server::kId)));
    EXPECT_THAT(error.what(), Not(HasSubstr(S3Server::kSecret)));
    EXPECT_FALSE(error.advice().empty());
    return error;
  }
};

TEST_F(S3Upload, IsSignedAndArrivesWhole) {
  S3Server server;
  const auto uploader = make_s3_uploader(target_at(server.url()), quick());
  std::string large;
  for (int i = 0; i < 1'000'000; ++i)
    large += fmt::format("{:07}\n", i);  // several buffers, and "Expect"
  uploader->put(write("large", large), "weights/best.pt");
  uploader->put(write("empty", ""), "empty.txt");
  const auto objects = server.objects();
  ASSERT_EQ(objects.size(), 2u);
  EXPECT_TRUE(objects.at(kObject) == large);
  EXPECT_EQ(objects.at("/bucket/runs/a b+ü/empty.txt"), "");
}

TEST_F(S3Upload, SignsRegionAndSessionToken) {
  S3Server server({}, "eu-west-1");
  const auto uploader = make_s3_uploader(
      target_at(server.url(), {{"AWS_REGION", "eu-west-1"}, {"AWS_SESSION_TOKEN", "to+k/en=="}}),
      quick());
  uploader->put(write("f", "content"), "weights/best.pt");
  EXPECT_EQ(server.objects().at(kObject), "content");
  EXPECT_EQ(server.headers().at("x-amz-security-token"), "to+k/en==");
}

// The test's server would otherwise prove nothing.
TEST_F(S3Upload, ServerRefusesAWrongSecret) {
  S3Server server;
  S3Target target = target_at(server.url());
  target.keys.secret += "x";
  const Error error =
      thrown_error([&] { make_s3_uploader(target, quick())->put(write("f", "content"), "a"); });
  EXPECT_THAT(error.what(), HasSubstr("HTTP 403 SignatureDoesNotMatch"));
  EXPECT_TRUE(server.objects().empty());
}

TEST_F(S3Upload, TriesAgainUntilItArrives) {
  S3Server server({kBusy, kDrop});
  make_s3_uploader(target_at(server.url()), quick())
      ->put(write("f", std::string(300'000, 'y')), "weights/best.pt");
  EXPECT_EQ(server.objects().at(kObject), std::string(300'000, 'y'));
  EXPECT_EQ(server.requests(), 3);
}

TEST_F(S3Upload, GivesUpAfterTheLastAttempt) {
  EXPECT_THAT(failure_of({kBusy, kBusy, kBusy}, 3).what(), HasSubstr("HTTP 503 SlowDown, 3 times"));
  EXPECT_THAT(failure_of({kTooMany, kTooMany, kTooMany}, 3).what(), HasSubstr("HTTP 429, 3 times"));
  EXPECT_THAT(failure_of({kDrop, kDrop, kDrop}, 3).what(), HasSubstr("3 times"));
}

TEST_F(S3Upload, TriesOnceAfterAFileWasGivenUp) {
  S3Server server({kBusy, kBusy, kBusy, kBusy});
  const auto uploader = make_s3_uploader(target_at(server.url()), quick());
  EXPECT_ERROR(kIo, "SlowDown, 3 times", uploader->put(write("f", "content"), "a"));
  EXPECT_ERROR(kIo, "HTTP 503 SlowDown (the", uploader->put(path("f"), "b"));
  EXPECT_EQ(server.requests(), 4);
  uploader->put(path("f"), "weights/best.pt");
  EXPECT_EQ(server.objects().at(kObject), "content");
}

TEST_F(S3Upload, DoesNotRepeatWhatWillNotChange) {
  EXPECT_THAT(failure_of({kForbid}, 1).what(), HasSubstr("HTTP 403 AccessDenied (check the keys"));
  EXPECT_THAT(failure_of({kUnknownBucket}, 1).what(),
              HasSubstr("HTTP 404 NoSuchBucket (check the bucket's name"));
}

TEST_F(S3Upload, FollowsNoRedirection) {
  EXPECT_THAT(failure_of({kRedirect}, 1).what(),
              HasSubstr("HTTP 301 PermanentRedirect, the bucket is in eu-west-3"));
}

TEST_F(S3Upload, AServerThatHangsIsLeft) {
  const double seconds = seconds_of([&] {
    EXPECT_THAT(failure_of({kHang, kHang, kHang}, 3).what(), HasSubstr("3 times"));
  });
  EXPECT_GT(seconds, 2);
  EXPECT_LT(seconds, 20);
}

TEST_F(S3Upload, NobodyThereIsSaid) {
  std::string url;
  {
    const S3Server gone;
    url = gone.url();
  }
  const Error error =
      thrown_error([&] { make_s3_uploader(target_at(url), quick())->put(write("f", "x"), "a"); });
  EXPECT_THAT(error.what(), HasSubstr("3 times (check the network and AWS_ENDPOINT_URL)"));
}

TEST_F(S3Upload, AFileThatCannotBeReadIsSaid) {
  S3Server server;
  const auto uploader = make_s3_uploader(target_at(server.url()), quick());
  EXPECT_THAT(thrown_error([&] { uploader->put(path("absent"), "a"); }).what(),
              HasSubstr("absent: cannot read"));
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(S3Upload, StopsWhileItWaitsAndWhileItSends) {
  for (const Behaviour behaviour : {kHang, kBusy}) {
    S3Server server({behaviour});
    UploadOptions patient;
    patient.first_pause_seconds = 60;
    const auto uploader = make_s3_uploader(target_at(server.url()), patient);
    std::thread stopper([&] {
      while (server.headers().empty()) std::this_thread::yield();
      uploader->stop();
    });
    const double seconds = seconds_of([&] {
      EXPECT_THAT(thrown_error([&] { uploader->put(write("f", "x"), "a"); }).what(),
                  HasSubstr("the upload was stopped"));
    });
    stopper.join();
    EXPECT_LT(seconds, 10);
  }
}

}  // namespace
}  // namespace gannet
