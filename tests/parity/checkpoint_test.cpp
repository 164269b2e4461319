// Files that the original wrote, of July 2020 and of release 7.0, in the form of torch's files of
// today and in the one before, against its own forward pass.
#include "gannet/nn/checkpoint.h"

#include "tests/parity/golden.h"
#include "tests/unit/temporary_folder.h"

namespace gannet {
namespace {

struct Stored {
  const char* content;
  const char* form;
  const char* forward;  // whose recorded pass
};
class OriginalFile : public testing::TemporaryFolder,
                     public ::testing::WithParamInterface<Stored> {};

TEST_P(OriginalFile, ForwardEqualsTheOriginal) {
  const Stored& stored = GetParam();
  const std::string file = std::string(stored.content) + "." + stored.form + ".pt";
  const LoadedModel loaded = load_model(write(file, testing::read_vector("checkpoints/" + file)));
  EXPECT_EQ(loaded.names.size(), 3U);
  const golden::Vector expected("checkpoints/" + std::string(stored.forward) + ".forward");
  const torch::NoGradGuard no_grad;
  const auto raw = loaded.model->forward(expected["input"]);
  ASSERT_EQ(raw.size(), 3U);
  for (std::size_t l = 0; l < raw.size(); ++l)
    EXPECT_TRUE(golden::near_predictions(raw[l], expected["raw." + std::to_string(l)], 1e-4))
        << "level " << l;
  EXPECT_TRUE(
      golden::near_predictions(decode(raw, loaded.model->head()), expected["decoded"], 1e-4));
}

INSTANTIATE_TEST_SUITE_P(Golden, OriginalFile,
                         ::testing::Values(Stored{"best_stripped", "zip", "best_stripped"},
                                           Stored{"v7_stripped", "zip", "v7_stripped"},
                                           Stored{"pretrained", "legacy", "best_stripped"},
                                           Stored{"last_mid_training", "legacy",
                                                  "last_mid_training"}),
                         [](const auto& test) { return std::string(test.param.content); });

}  // namespace
}  // namespace gannet
