"""Every test of the agents runs under guard."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blocks.guard import guard, watch


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    guard(items, Path(__file__).parent)


@pytest.fixture(autouse=True)
def _watched() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]  # pytest uses it
    yield from watch()


@pytest.fixture
def real_time() -> None:
    """Has `guard` run the test on a clock that does not jump: it waits for threads."""
