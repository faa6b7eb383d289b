"""Opens the executor for the phases: threads, processes, or a Dask cluster."""

from __future__ import annotations

import contextlib
import logging
import signal
from collections.abc import Generator
from concurrent.futures import Executor
from importlib import import_module
from multiprocessing import resource_tracker
from typing import Any

from penstock.blocks import Processes, Threads
from penstock.samples.images.load import get_ready
from penstock.samples.images.settings import Workers

__all__ = ["UnusableWorkersError", "open_executor"]


class UnusableWorkersError(Exception):
    """This kind of workers is not available; the message says why and what to do, on one line."""


@contextlib.contextmanager
def open_executor(kind: Workers, number: int) -> Generator[Executor]:
    """Start `number` workers and yield their executor; they end with the body.

    Dask uses the cluster that its configuration names (`DASK_SCHEDULER_ADDRESS`), or starts one of `number` processes
    on this machine.

    Raises:
        UnusableWorkersError: this kind is not available.
    """
    with _opened(kind, number) as executor:
        if kind is not Workers.THREADS:
            for is_ready in [executor.submit(get_ready) for _ in range(number)]:
                is_ready.result()
        yield executor


def _opened(kind: Workers, number: int) -> contextlib.AbstractContextManager[Executor]:
    match kind:
        case Workers.THREADS:
            return Threads(number)
        case Workers.PROCESSES:
            return Processes(number)
        case Workers.DASK:
            return _dask(number)


@contextlib.contextmanager
def _dask(number: int) -> Generator[Executor]:
    try:
        distributed: Any = import_module("distributed")
    except ModuleNotFoundError as error:
        if error.name != "distributed":
            raise
        raise UnusableWorkersError("Dask is not installed; try: pip install distributed") from None
    with _client(distributed, number) as client, client.get_executor(pure=False) as executor:
        yield executor


def _client(distributed: Any, number: int) -> Any:
    """Connect to the configured cluster, or to a new one."""
    address: str | None = import_module("dask").config.get("scheduler-address", None)
    if address is None:
        with _shielded_from_interrupts():
            return distributed.Client(
                n_workers=number, threads_per_worker=1, dashboard_address=":0", silence_logs=logging.ERROR
            )
    try:
        return distributed.Client(address)
    except (OSError, ValueError) as error:
        raise UnusableWorkersError(f"cannot reach the Dask scheduler at {address}: {error}") from None


@contextlib.contextmanager
def _shielded_from_interrupts() -> Generator[None]:
    """Keep Ctrl-C from processes that start in the body, and from this process until they have started.

    Ctrl-C goes to all processes of a terminal. Dask's processes would print tracebacks and lose their results.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # or a thread that starts with the first process would get Ctrl-C again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
