#include <gtest/gtest.h>

#include <csignal>

int main(int argc, char** argv) {
  // Under nohup the tests of what a command does at a hang-up would wait for ever: it rightly goes on.
  std::signal(SIGHUP, SIG_DFL);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
