"""Settings that every test shares: how hard Hypothesis looks, which tests are slow, and which share a process."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ.pop("NO_COLOR", None)  # what draws in colour is told so by its test, and not by who runs it

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell script; children inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline and no "too slow" health check: both measure the machine, and busy cores are no fault.
# Never derandomized: each run looks elsewhere, and a failure prints the blob that repeats it.
# Choose another profile with `pytest --hypothesis-profile=nightly`; `.ci/run` looks with "dev".
for profile, max_examples in {"brief": 20, "dev": 100, "ci": 300, "nightly": 5_000}.items():
    settings.register_profile(
        profile,
        max_examples=max_examples,
        deadline=None,
        derandomize=False,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("brief")

HERE = Path(__file__).parent
SLOW = (
    "benchmarks",  # each of them in small
    "blocks/executors/test_fork_servers.py",  # starts processes and programs
    "blocks/executors/test_foreign_executors.py",  # other libraries start their processes
    "blocks/executors/test_process_backend.py",  # starts a process for nearly each test
    "blocks/executors/test_processes.py",
    "cluster",  # Dask starts processes
    "networks",  # thousands of generated networks
    "samples/command/test_streams.py",  # a process for each command
    "samples/images/gui",  # each test serves the page
    "samples/images/gui_page",
    "samples/images/test_command.py",
    "samples/images/test_executors.py",
    "test_docs.py",  # a process for each page
    "test_packaging.py",  # builds the wheel
)
"""Files and folders of tests that the README's command leaves out, and `.ci/run` runs."""
SHARING = (
    "blocks/executors/test_foreign_executors.py",
    "cluster",
    "samples/images/gui_page",
    "samples/images/test_executors.py",
    "test_packaging.py",
)
"""Files and folders whose tests share something that is expensive to make: one process of xdist runs them all."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if place_in(item.path, SLOW) is not None:
            item.add_marker("slow")
        if (group := place_in(item.path, SHARING)) is not None:
            item.add_marker(pytest.mark.xdist_group(group))


def place_in(path: Path, places: tuple[str, ...]) -> str | None:
    """The first of some files and folders in which a test is."""
    parts = [HERE / place for place in places]
    return next((part.name for part in parts if part == path or part in path.parents), None)
