"""What control groups leave a process, read from trees of files like those of real machines."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks.memory.control_group import control_group_memory, mounts, own_groups

MIB = 1 << 20
V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
V1 = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory"


class Tree:
    """A root folder with the files of control groups."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def process(self, groups: str, mounted: str) -> None:
        self.write("proc/self/cgroup", groups)
        self.write(
            "proc/self/mountinfo", f"22 1 0:5 / /proc rw - proc proc rw\n{mounted}\n31 23 0:28 / /x rw - tmpfs t rw"
        )

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def version_2(self, group: str, **files: object) -> None:
        for name, value in files.items():
            self.write(f"sys/fs/cgroup/{group}/memory.{name}", f"{value}\n")

    def version_1(self, group: str, limit: object, used: object, stat: str = "") -> None:
        folder = f"sys/fs/cgroup/memory/{group}"
        self.write(f"{folder}/memory.limit_in_bytes", f"{limit}\n")
        self.write(f"{folder}/memory.usage_in_bytes", f"{used}\n")
        self.write(f"{folder}/memory.stat", stat)

    def free(self) -> int | None:
        return control_group_memory(self.root)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_without_control_groups_there_is_no_limit(tree: Tree) -> None:
    assert tree.free() is None


def test_a_group_leaves_its_limit_less_what_it_uses(tree: Tree) -> None:
    tree.process("0::/app", V2)
    tree.version_2("app", max=100 * MIB, high="max", current=30 * MIB)
    assert tree.free() == 70 * MIB


def test_page_cache_that_would_be_given_back_counts_as_free(tree: Tree) -> None:
    tree.process("0::/app", V2)
    tree.version_2(
        "app", max=100 * MIB, current=30 * MIB, stat=f"anon 5\nfile 7\ninactive_file {10 * MIB}\nactive_file 3"
    )
    assert tree.free() == 80 * MIB
    tree.version_2("app", stat=f"inactive_file {50 * MIB}")  # read a moment later
    assert tree.free() == 100 * MIB
    tree.version_2("app", stat="inactive_file many")
    assert tree.free() == 70 * MIB


def test_the_threshold_that_slows_a_group_down_is_a_limit_too(tree: Tree) -> None:
    tree.process("0::/app", V2)
    tree.version_2("app", max="max", high=50 * MIB, current=30 * MIB)
    assert tree.free() == 20 * MIB
    tree.version_2("app", max=40 * MIB)
    assert tree.free() == 10 * MIB


def test_the_tightest_of_all_enclosing_groups_decides(tree: Tree) -> None:
    tree.process("0::/a/b/c", V2)
    tree.version_2("a/b/c", max="max", current=1)
    tree.version_2("a/b", max=100 * MIB, current=10 * MIB)
    tree.version_2("a", max=200 * MIB, current=180 * MIB)
    assert tree.free() == 20 * MIB
    tree.version_2("", max=50 * MIB, current=45 * MIB)
    assert tree.free() == 5 * MIB


def test_a_group_beyond_its_limit_leaves_nothing(tree: Tree) -> None:
    tree.process("0::/a", V2)
    tree.version_2("a", max=100, current=180)
    assert tree.free() == 0


def test_in_a_container_the_mounted_group_is_the_top(tree: Tree) -> None:
    tree.process("0::/", V2)
    tree.version_2("", max=100, current=40)
    assert tree.free() == 60


@pytest.mark.parametrize("name", ["/../../other", "/elsewhere", "/docker/a/../b"])
def test_the_name_of_another_namespace_leads_to_the_top(tree: Tree, name: str) -> None:
    tree.process(f"0::{name}", V2.replace("0:26 /", "0:26 /docker/a"))
    tree.version_2("", max=100, current=40)
    tree.version_2("elsewhere", max=50, current=49)
    assert tree.free() == 60


def test_only_the_part_of_the_name_below_what_is_mounted_is_a_folder(tree: Tree) -> None:
    tree.process("0::/docker/a/job", V2.replace("0:26 /", "0:26 /docker/a"))
    tree.version_2("job", max=100, current=50)
    assert tree.free() == 50


def test_version_1_has_other_files(tree: Tree) -> None:
    tree.process("11:memory:/docker/a\n3:cpu,cpuacct:/docker/a\n0::/", V1 + "\n" + V2.replace("cgroup rw", "u rw", 1))
    tree.version_1("docker/a", 100 * MIB, 60 * MIB, f"cache 1\ntotal_inactive_file {5 * MIB}\n")
    tree.version_1("docker", 9223372036854771712, 90 * MIB)
    assert tree.free() == 45 * MIB


def test_version_1_in_a_container_with_the_names_of_the_host(tree: Tree) -> None:
    tree.process("4:cpu,memory:/docker/abc", V1.replace("0:32 /", "0:32 /docker/abc"))
    tree.version_1("", 100, 60)
    assert tree.free() == 40


@pytest.mark.parametrize("missing", ["memory.limit_in_bytes", "memory.usage_in_bytes"])
def test_a_group_without_its_files_sets_no_limit(tree: Tree, missing: str) -> None:
    tree.process("4:memory:/", V1)
    tree.version_1("", 100, 60)
    (tree.root / "sys/fs/cgroup/memory" / missing).unlink()
    assert tree.free() is None


@pytest.mark.parametrize(("limit", "used"), [("max", "1"), ("", "1"), ("1", ""), ("1", "one"), ("-1", "1"), ("²", "1")])
def test_odd_contents_set_no_limit(tree: Tree, limit: str, used: str) -> None:
    tree.process("0::/a", V2)
    tree.version_2("a", max=limit, current=used)
    assert tree.free() is None


def test_other_file_systems_and_controllers_are_passed_over(tree: Tree) -> None:
    tree.process("5:cpu:/a\n0::/", V1.replace("rw,memory", "rw,cpu"))
    tree.version_1("", 100, 60)
    assert tree.free() is None
    tree.process("4:memory:/", V2)
    tree.version_2("", max=100, current=60)
    assert tree.free() is None


def test_lines_that_are_cut_short_are_passed_over() -> None:
    assert list(mounts(["", "1 2 3", "30 23 0:26 / /x rw", "30 23 0:26 / /x rw - cgroup2"])) == []
    assert [version for version, _ in own_groups(["", "0", "0::/", "1:memory", "1:memory:"])] == [2, 1]


@given(
    st.lists(st.text("/.:0,- \tacgroupmemory2", max_size=40)), st.lists(st.text("/.:0,- \tacgroupmemory2", max_size=60))
)
def test_whatever_the_files_say_nothing_is_raised(
    tmp_path_factory: pytest.TempPathFactory, groups: list[str], mounted: list[str]
) -> None:
    tree = Tree(tmp_path_factory.getbasetemp() / "odd")
    tree.process("\n".join(groups), "\n".join(mounted))
    assert tree.free() is None
