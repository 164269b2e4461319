#include "gannet/net/upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "gannet/core/atomic_file.h"
#include "gannet/net/file_upload.h"
#include "gannet/net/s3_target.h"
#include "gannet/net/sha256.h"
#include "tests/unit/temporary_folder.h"
#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::thrown_error;

Environment environment_of(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const char* name) {
    const auto found = values.find(name);
    return found == values.end() ? std::string() : found->second;
  };
}

Environment with_keys(std::map<std::string, std::string> more = {}) {
  more.merge(std::map<std::string, std::string>{{"AWS_ACCESS_KEY_ID", "id"},
                                                {"AWS_SECRET_ACCESS_KEY", "secret"}});
  return environment_of(std::move(more));
}

class FileUpload : public testing::TemporaryFolder {};
class UploadKeys : public testing::TemporaryFolder {};

TEST_F(FileUpload, CopiesBelowTheAddressAndReplaces) {
  const auto uploader = make_uploader("file://" + path("to/here/"));
  EXPECT_FALSE(std::filesystem::exists(path("to")));  // made by the first upload only
  uploader->put(write("a.pt", std::string(3'000'000, 'x')), "weights/best.pt");
  uploader->put(write("b.pt", "second"), "weights/last.pt");
  EXPECT_EQ(read_file(path("to/here/weights/best.pt")), std::string(3'000'000, 'x'));
  uploader->put(write("c.pt", "third"), "weights/best.pt");
  EXPECT_EQ(read_file(path("to/here/weights/best.pt")), "third");
  EXPECT_EQ(read_file(path("to/here/weights/last.pt")), "second");
  EXPECT_EQ(uploader->address(), "file://" + path("to/here"));
  const auto here = std::filesystem::directory_iterator(path("to/here/weights"));
  EXPECT_EQ(std::distance(begin(here), end(here)), 2);  // and nothing temporary
}

TEST_F(FileUpload, OntoTheFileItselfKeepsIt) {
  const auto uploader = make_uploader("file://" + folder_.string());
  uploader->put(write("results.txt", "rows"), "results.txt");
  EXPECT_EQ(read_file(path("results.txt")), "rows");
}

TEST_F(FileUpload, FailureNamesThePlaceAndLeavesTheOldFile) {
  const auto uploader = make_uploader("file://" + path("out"));
  EXPECT_THAT(thrown_error([&] { uploader->put(path("absent.pt"), "a.pt"); }).what(),
              HasSubstr("absent.pt: cannot read"));
  write("out/weights", "a file where the folder should be");
  const Error error = thrown_error([&] { uploader->put(write("a.pt", "x"), "weights/a.pt"); });
  EXPECT_EQ(error.kind(), ErrorKind::kIo);
  EXPECT_THAT(error.what(), HasSubstr(path("out/weights") + ": cannot make the folder"));
  EXPECT_EQ(read_file(path("out/weights")), "a file where the folder should be");
  make_folder("out/a.pt");  // a folder cannot be replaced by a file
  EXPECT_THAT(thrown_error([&] { uploader->put(path("a.pt"), "a.pt"); }).what(),
              HasSubstr("cannot replace"));
}

TEST_F(FileUpload, StopsWhenTold) {
  const auto uploader = make_uploader("file://" + folder_.string());
  uploader->stop();
  EXPECT_THAT(thrown_error([&] { uploader->put(write("a", "x"), "b"); }).what(),
              HasSubstr("stopped"));
  EXPECT_FALSE(std::filesystem::exists(path("b")));
}

TEST_F(FileUpload, AddressIsCheckedAtOnce) {
  make_folder("with space");
  EXPECT_EQ(make_uploader("file://" + path("with%20space"))->address(),
            "file://" + path("with space"));
  EXPECT_EQ(make_uploader("file://localhost" + folder_.string())->address(),
            "file://" + folder_.string());
  write("plain", "a file");
  for (const std::string& bad : {std::string("file://"), std::string("file://relative/folder"),
                                 std::string("file://host/folder"), "file://" + path("bad%2"),
                                 "file://" + path("plain/below"), std::string("ftp://host/x"),
                                 std::string("bucket"), std::string("s3:/b")}) {
    const Error error = thrown_error([&] { make_uploader(bad, {}, with_keys()); });
    EXPECT_EQ(error.exit_code(), 2) << bad;
    EXPECT_EQ(error.where().key, "--bucket") << bad;
    EXPECT_FALSE(error.advice().empty()) << bad;
  }
}

TEST(UploadAddress, OfAmazonNamesTheRegion) {
  const S3Target target =
      resolve_s3_target("s3://bucket/a/b c/", with_keys({{"AWS_DEFAULT_REGION", "eu-west-1"}}));
  EXPECT_EQ(object_url(target, "weights/best.pt"),
            "https://bucket.s3.eu-west-1.amazonaws.com/a/b%20c/weights/best.pt");
  EXPECT_EQ(target.address, "s3://bucket/a/b c");
  EXPECT_EQ(resolve_s3_target("s3://bucket", with_keys()).base_url,
            "https://bucket.s3.us-east-1.amazonaws.com");
  EXPECT_EQ(resolve_s3_target("s3://my.bucket", with_keys({{"AWS_REGION", "cn-north-1"}})).base_url,
            "https://s3.cn-north-1.amazonaws.com.cn/my.bucket");
}

TEST(UploadAddress, OfAnEndpointHasTheBucketInThePath) {
  const auto base = [](std::map<std::string, std::string> more) {
    return resolve_s3_target("s3://bucket/x", with_keys(std::move(more))).base_url;
  };
  EXPECT_EQ(base({{"AWS_ENDPOINT_URL", "http://minio:9000/"}}), "http://minio:9000/bucket");
  EXPECT_EQ(base({{"AWS_ENDPOINT_URL", "http://a"}, {"AWS_ENDPOINT_URL_S3", "https://b"}}),
            "https://b/bucket");
  for (const char* bad : {"minio:9000", "ftp://minio", "http://", "http://key:secret@minio"})
    EXPECT_EQ(thrown_error([&] { base({{"AWS_ENDPOINT_URL", bad}}); }).exit_code(), 2) << bad;
}

TEST(UploadAddress, OfGoogleIgnoresWhatIsMeantForAmazon) {
  const S3Target target =
      resolve_s3_target("gs://bucket/runs", with_keys({{"AWS_ENDPOINT_URL", "http://minio:9000"},
                                                       {"AWS_REGION", "eu-west-1"},
                                                       {"AWS_SESSION_TOKEN", "token"}}));
  EXPECT_EQ(object_url(target, "results.txt"),
            "https://storage.googleapis.com/bucket/runs/results.txt");
  EXPECT_EQ(target.region, "auto");
  EXPECT_EQ(target.keys.session_token, "");
}

TEST(UploadAddress, ThatCannotBeIsAUsageErrorWithoutItsSecrets) {
  for (const char* bad :
       {"s3://", "s3:///key", "s3://ab", "s3://id:hidden@bucket/x", "s3://bucket/a/../b",
        "s3://bucket/a//b", "gs://bucket/x?X-Amz-Signature=hidden", "s3://bucket/..?hidden",
        "s3://bucket/a\nb"}) {
    const Error error = thrown_error([&] { resolve_s3_target(bad, with_keys()); });
    EXPECT_EQ(error.exit_code(), 2) << bad;
    EXPECT_THAT(error.what(), Not(HasSubstr("hidden")));
  }
}

TEST(UploadAddress, PathIsEncodedOnceAndFully) {
  EXPECT_EQ(percent_encoded("a-Z_0.~/b+c=d &%\xC3\xA9"), "a-Z_0.~/b%2Bc%3Dd%20%26%25%C3%A9");
}

TEST_F(UploadKeys, AreFoundMissingAtTheStart) {
  const Error error = thrown_error([] { make_uploader("s3://bucket/x", {}, environment_of({})); });
  EXPECT_EQ(error.exit_code(), 2);
  EXPECT_STREQ(error.what(),
               "--bucket: the keys for the upload are missing (set AWS_ACCESS_KEY_ID and "
               "AWS_SECRET_ACCESS_KEY)");
  const Error half = thrown_error([] {
    make_uploader("gs://bucket/x", {}, environment_of({{"AWS_ACCESS_KEY_ID", "hidden"}}));
  });
  EXPECT_EQ(half.exit_code(), 2);
  EXPECT_THAT(half.what(), Not(HasSubstr("hidden")));
  const auto broken =
      environment_of({{"AWS_ACCESS_KEY_ID", "id"}, {"AWS_SECRET_ACCESS_KEY", "hidden\nx: y"}});
  EXPECT_THAT(thrown_error([&] { make_uploader("s3://bucket", {}, broken); }).what(),
              Not(HasSubstr("hidden")));
}

TEST_F(UploadKeys, ComeFromTheSharedFilesOfAProfile) {
  make_folder(".aws");
  write(".aws/credentials",
        "[default]\naws_access_key_id = "
        "one\naws_secret_access_key=two\n\n[other]\r\naws_access_key_id=three\r\n"
        "aws_secret_access_key = four\r\naws_session_token = five\r\n");
  write(".aws/config", "[default]\nregion = eu-west-1\n[profile other]\nregion = eu-west-2\n");
  const S3Target first =
      resolve_s3_target("s3://bucket", environment_of({{"HOME", folder_.string()}}));
  EXPECT_EQ(first.keys.id + first.keys.secret + first.keys.session_token + first.region,
            "onetwoeu-west-1");
  const S3Target other = resolve_s3_target(
      "s3://bucket", environment_of({{"HOME", folder_.string()}, {"AWS_PROFILE", "other"}}));
  EXPECT_EQ(other.keys.id + other.keys.secret + other.keys.session_token + other.region,
            "threefourfiveeu-west-2");
  EXPECT_EQ(resolve_s3_target("s3://bucket", with_keys({{"HOME", folder_.string()}})).keys.id,
            "id");
}

// Digests of FIPS 180-4's examples.
TEST_F(UploadKeys, FilesAreHashed) {
  EXPECT_EQ(sha256_of_file(write("empty", "")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_of_file(write("abc", "abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_of_file(write("million", std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace
}  // namespace gannet
