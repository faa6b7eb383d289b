"""Reasons for failures, in words for people."""

from __future__ import annotations

import errno
import os

import pytest

from penstock.samples.images.load import UnreadableError
from penstock.samples.images.phases import explain


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UnreadableError("the file is empty"), "the file is empty"),
        (FileNotFoundError(errno.ENOENT, "No such file"), "no such file (or a link to nowhere)"),
        (PermissionError(errno.EACCES, "Permission denied"), "permission denied"),
        (MemoryError(), "not enough memory"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "no space left on the device"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (OSError("image file is truncated (3 bytes not processed)"), "image file is truncated (3 bytes not processed)"),
        (OSError("decoder error -2"), "the file is damaged (decoder error -2)"),
        (ValueError("two\n lines"), "two lines"),
        (KeyError("tag"), "KeyError: 'tag'"),
        (IndexError(), "IndexError"),
    ],
)
def test_reasons(error: Exception, expected: str) -> None:
    assert explain(error) == expected
