"""A file that is there whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from penstock.samples.command.whole_file import WholeFile


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions and links")
def test_a_whole_file_keeps_the_permissions_and_the_link() -> None:
    Path("real").touch(mode=0o640)
    Path("real").chmod(0o640)
    Path("link").symlink_to("real")
    with WholeFile(Path("link")) as file:
        file.write(b"new")
    assert Path("link").is_symlink()
    assert Path("real").read_bytes() == b"new"
    assert stat.S_IMODE(Path("real").stat().st_mode) == 0o640


def test_a_whole_file_is_not_there_until_it_is_whole() -> None:
    def write_half() -> None:
        with WholeFile(Path("out")) as file:
            file.write(b"half")
            file.flush()
            assert not Path("out").exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert os.listdir() == []


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a file that is open cannot be removed")
def test_what_killed_programs_have_left_behind_is_removed_and_what_is_in_use_is_not() -> None:
    for name in (".penstock-0123.tmp", ".penstock-new.tmp", ".other.tmp"):
        Path(name).touch()
    with WholeFile(Path("slow")) as slow:
        draft = Path(str(slow.name)).name
        for name in (".penstock-0123.tmp", ".other.tmp", draft):
            os.utime(name, (0, 0))
        with WholeFile(Path("quick")):
            pass
        assert sorted(os.listdir()) == sorted([draft, ".other.tmp", ".penstock-new.tmp", "quick"])
