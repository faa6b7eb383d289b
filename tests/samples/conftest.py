"""Programs that a test of the samples starts are not traced: the tests of the library reach all that they use."""

import pytest


@pytest.fixture(autouse=True)
def untraced_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
