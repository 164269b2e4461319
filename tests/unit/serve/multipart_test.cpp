#include "gannet/serve/multipart.h"

#include <gmock/gmock.h>

#include "tests/unit/thrown_error.h"

namespace gannet {
namespace {

using ::testing::SizeIs;

const std::string kForm =
    "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a;b.jpg\"\r\n"
    "Content-Type: image/jpeg\r\n\r\none\r\n--no boundary\r\n--b\r\n"
    "content-disposition: form-data; name=other\r\n\r\n\r\n--b--\r\n";

TEST(Multipart, PartsHaveNamesAndBytes) {
  const auto parts = parse_multipart(kForm, "b");
  ASSERT_THAT(parts, SizeIs(2));
  EXPECT_EQ(parts[0].name, "image");
  EXPECT_EQ(parts[0].content, "one\r\n--no boundary");
  EXPECT_EQ(parts[1].name, "other");
  EXPECT_EQ(parts[1].content, "");
}

TEST(Multipart, TextBeforeAndBehindIsSkipped) {
  EXPECT_THAT(parse_multipart("before\r\n" + kForm + "behind", "b"), SizeIs(2));
  EXPECT_THAT(parse_multipart("--b--", "b"), SizeIs(0));
}

TEST(Multipart, EveryTruncationIsAnError) {
  const std::size_t last = kForm.size() - 3;  // the closing dashes and what follows may be missing
  for (std::size_t size = 0; size < last; ++size)
    EXPECT_ERROR(kData, "form", parse_multipart(kForm.substr(0, size), "b"));
}

TEST(Multipart, BoundariesAreOfUsefulLength) {
  EXPECT_ERROR(kData, "boundary", parse_multipart(kForm, ""));
  EXPECT_ERROR(kData, "boundary", parse_multipart(kForm, std::string(71, 'b')));
  EXPECT_ERROR(kData, "boundary", parse_multipart(kForm, "other"));
}

TEST(Multipart, PartsAreLimited) {
  std::string many;
  for (int i = 0; i < 1001; ++i) many += "\r\n--b\r\n\r\n\r\n";
  EXPECT_ERROR(kData, "1000", parse_multipart(many + "\r\n--b--", "b"));
}

TEST(Multipart, ParametersOfHeaders) {
  EXPECT_EQ(header_parameter("multipart/form-data; boundary=x-y", "boundary"), "x-y");
  EXPECT_EQ(
      header_parameter("multipart/form-data; a=\"b;boundary=z\"; Boundary = \"q w\" ", "boundary"),
      "q w");
  EXPECT_EQ(header_parameter("multipart/form-data", "boundary"), "");
  EXPECT_EQ(header_parameter("", "boundary"), "");
}

}  // namespace
}  // namespace gannet
