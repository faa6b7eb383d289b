"""A worker process that is none: its loop runs in a thread of the test, which sees what is patched."""

from multiprocessing import Pipe
from typing import Any

import attrs

from penstock.blocks.executors.process_child import Child
from penstock.blocks.executors.process_worker import WorkerProcess
from penstock.blocks.executors.setup import Setup
from penstock.blocks.executors.slots import Shared
from penstock.blocks.executors.wire import Wire
from tests.blocks.executors.process_functions import ThreadProcess


def start_in_thread(who: str, setup: Setup) -> Child:
    """Start a child that is a thread."""
    ours, theirs = Pipe()

    def serve(connection: Any, *args: Any) -> None:
        WorkerProcess(connection).serve(*args)

    process: Any = ThreadProcess(serve, (theirs, attrs.evolve(setup, levels=None)))  # its logs are at home here
    return Child(who, process, Wire(ours, Shared()))
