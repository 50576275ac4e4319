#include "container/sandbox/cgroup_paths.h"

#include <gtest/gtest.h>

namespace gust::container {
namespace {

using Version = CgroupMount::Version;

TEST(CgroupPaths, VersionTwo) {
  const auto mounts = parse_cgroup_mounts(
      "24 30 0:22 / /proc rw,nosuid - proc proc rw\n"
      "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
      "0::/system.slice/gust.service\n");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].version, Version::kTwo);
  EXPECT_EQ(mounts[0].own, "/sys/fs/cgroup/system.slice/gust.service");
}

TEST(CgroupPaths, VersionOneHasOneForEachController) {
  const auto mounts = parse_cgroup_mounts(
      "40 35 0:31 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
      "41 35 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
      "42 35 0:33 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n",
      "9:name=systemd:/init\n4:memory:/a/b\n1:cpu,cpuacct:/\n");
  ASSERT_EQ(mounts.size(), 3U);
  EXPECT_TRUE(mounts[0].has("cpu"));
  EXPECT_FALSE(mounts[0].has("memory"));
  EXPECT_EQ(mounts[0].own, "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_TRUE(mounts[1].has("memory"));
  EXPECT_EQ(mounts[1].own, "/sys/fs/cgroup/memory/a/b");
}

TEST(CgroupPaths, InAContainerTheMountBeginsAtItsOwnCgroup) {
  const auto mounts = parse_cgroup_mounts(
      "41 35 0:32 /docker/1234 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n", "4:memory:/docker/1234/inner\n");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].own, "/sys/fs/cgroup/memory/inner");
}

TEST(CgroupPaths, OutsideOfWhatIsMountedTheMountPointStandsIn) {
  const auto mounts = parse_cgroup_mounts("41 35 0:32 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/../../other\n");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].own, "/sys/fs/cgroup");
}

TEST(CgroupPaths, LinesThatAreNotUnderstoodAreLeftOut) {
  EXPECT_TRUE(parse_cgroup_mounts("nonsense\n1 2\n - \n", "x\n").empty());
}

}  // namespace
}  // namespace gust::container
