"""Settings that every test shares: how hard Hypothesis looks, which tests are slow, and which share a process."""

import functools
import gc
import os
import signal
from collections.abc import Generator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

os.environ.pop("NO_COLOR", None)  # what draws in colour is told so by its test, and not by who runs it

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell script; children inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline and no "too slow" health check: both measure the machine, and busy cores are no fault.
# Never derandomized: each run looks elsewhere, and a failure prints the blob that repeats it.
# Choose another profile with `pytest --hypothesis-profile=nightly`; `.ci/run` looks with "dev".
for profile, max_examples in {"brief": 10, "dev": 60, "ci": 300, "nightly": 5_000}.items():
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
    "blocks/dashboard_page",
    "blocks/executors/test_fork_servers.py",  # starts processes and programs
    "blocks/executors/test_foreign_executors.py",  # other libraries start their processes
    "blocks/executors/test_process_backend.py",  # starts a process for nearly each test
    "blocks/executors/test_processes.py",
    "blocks/executors/test_replaced_workers.py",
    "blocks/executors/test_streams.py",
    "blocks/executors/test_worker_children.py",
    "blocks/executors/test_worker_logs.py",
    "cluster",  # Dask starts processes
    "networks",  # thousands of generated networks
    "samples/command/test_streams.py",  # a process for each command
    "samples/images/gui",  # each test serves the page
    "samples/images/gui_page",
    "samples/images/test_command.py",
    "samples/images/test_executors.py",
    "samples/workshop/test_checking.py",  # a process for each check
    "samples/workshop/test_command.py",
    "samples/workshop/test_large_copies.py",
    "samples/test_sentences_command.py",  # a process for each command
    "test_docs.py",  # a process for each page
    "test_packaging.py",  # builds the wheel
    "test_typing.py",  # runs type checkers
)
"""Files and folders of tests that the README's command leaves out, without reading them, and `.ci/run` runs."""
SHARING = (
    "blocks/dashboard_page",
    "blocks/executors/test_foreign_executors.py",
    "cluster",
    "samples/images/gui_page",
    "samples/images/test_executors.py",
    "test_imports.py",
    "test_packaging.py",
)
"""Files and folders whose tests share something that is expensive to make: one process of xdist runs them all."""

LONGEST_NAME = 1_000
"""Up to so many characters of the data that a test is called with are in its name."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not read the files of which nothing would be run."""
    leaves_out = config.getoption("markexpr") in ("not slow", "not checkout and not slow")
    return True if leaves_out and place_in(collection_path, SLOW) is not None else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector away from the tests themselves: they are millions of objects, and all of them stay.

    Many tests collect garbage, and so does the library. With the tests among what is searched, each time takes a tenth
    of a second, and without them a few milliseconds. What the tests make later is searched as ever.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """At the end of each file, keep the garbage collector away also from what its tests leave.

    That is little for one file, but there are hundreds, and tests of leaks and standstills collect hundreds of times.
    """
    if nextitem is None or nextitem.path != item.path:
        gc.collect()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_make_parametrize_id(val: object) -> str | None:
    """Keep long data out of the names of tests: with some versions of pytest, all of it would be there.

    The name of the test that runs is in an environment variable, and with too long a one no process can be started.
    """
    return "long" if isinstance(val, (str, bytes)) and len(val) > LONGEST_NAME else None


@pytest.hookimpl(optionalhook=True)  # pytest-xdist need not be there
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadgroup`, have one process run all tests of a file or folder in `SHARING`, or of a file.

    For each test that ends, xdist goes through all groups that its process was given, so there must not be thousands.
    Only the tests of a slow file may be parted, which are few and long.

    The mark `xdist_group` would say the same, but with pytest 9.2 it has no effect in pytest-xdist 3.8.
    """
    if config.getoption("dist") != "loadgroup":
        return None

    def group_of(test: str) -> str:
        file = test.partition("::")[0]
        path = config.rootpath / file
        return place_in(path, SHARING) or (file if place_in(path, SLOW) is None else test)

    scheduler = import_module("xdist.scheduler").LoadScopeScheduling(config, log)
    scheduler._split_scope = group_of
    return scheduler


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if place_in(item.path, SLOW) is not None:
            item.add_marker("slow")


@functools.cache  # some thousand tests are in some hundred files
def place_in(path: Path, places: tuple[str, ...]) -> str | None:
    """The first of some files and folders in which a test is."""
    around = {path, *path.parents}
    return next((part.name for part in map(HERE.joinpath, places) if part in around), None)
