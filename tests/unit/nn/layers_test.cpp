#include "gannet/nn/layers.h"

#include <gtest/gtest.h>

namespace gannet {
namespace {

// The grammar of model files and the table of layers are apart, since the first knows no tensors.
TEST(Layers, AreThereForEveryModuleOfTheGrammar) {
  ASSERT_FALSE(module_names().empty());
  for (const std::string& module : module_names())
    EXPECT_EQ(has_layer(module), module != "Detect") << module;  // the model builds its head
  EXPECT_FALSE(has_layer("Conv3d"));
}

}  // namespace
}  // namespace gannet
