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
