// What is wrong with a data set: check_data data.yaml
#include <gannet/gannet.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    const auto check = gannet::check_dataset(gannet::load_data_description(argv[1]), {});
    std::cout << gannet::summary_line(check) << "\n";
    return check.would_harm_training() ? 1 : 0;
  } catch (const gannet::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
