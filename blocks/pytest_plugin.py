"""Fixtures for pytest; name this module in your top `conftest.py`.

    pytest_plugins = ["penstock.blocks.pytest_plugin"]

It is no entry point of pytest: so it costs nothing where it is not used.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .testing import Collector, ProbeSink, ProbeSource


@pytest.fixture
def probe_source() -> ProbeSource[Any]:
    """A `ProbeSource`, whose items the test gives one by one."""
    from .testing import ProbeSource  # late: few tests need it

    return ProbeSource("probe_source")


@pytest.fixture
def probe_sink() -> ProbeSink[Any]:
    """A `ProbeSink`, from which the test takes the results one by one."""
    from .testing import ProbeSink  # late: few tests need it

    return ProbeSink("probe_sink")


@pytest.fixture
def collector() -> Collector[Any]:
    """A `Collector`, which keeps all results in a list."""
    from .testing import Collector  # late: few tests need it

    return Collector("collector")


@pytest.fixture
def same_random() -> Iterator[None]:
    """Gives each run of the test the same random numbers, for example for the jitter of a `Retry`."""
    state = random.getstate()
    random.seed(1)
    yield
    random.setstate(state)
