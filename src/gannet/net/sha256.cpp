#include "gannet/net/sha256.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <memory>
#include <vector>

#include "gannet/core/atomic_file.h"
#include "gannet/core/error.h"

namespace gannet {

std::string sha256_of_file(const std::filesystem::path& path) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  bool fine = context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  std::ifstream in(path, std::ios::binary);
  if (!in) throw_io_error(path, "read");
  std::vector<char> buffer(1 << 20);
  while (fine && in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    fine =
        EVP_DigestUpdate(context.get(), buffer.data(), static_cast<std::size_t>(in.gcount())) == 1;
  }
  if (in.bad()) throw_io_error(path, "read");
  std::array<unsigned char, 32> digest{};
  GANNET_CHECK(fine && EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1,
               "SHA-256 is not available");
  std::string text;
  for (const unsigned char byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace gannet
