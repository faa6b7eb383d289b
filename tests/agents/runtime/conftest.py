"""After each test, no thread of a runtime is left."""

import gc
import threading
from collections.abc import Iterator

import pytest

from tests.agents.pipelines.recipes import comes_true


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    before = {*threading.enumerate()}
    yield
    comes_true(lambda: not [t for t in threading.enumerate() if t not in before and t.name.startswith("penstock")])
    gc.collect()
