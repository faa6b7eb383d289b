"""`penstock-images`, but that it tells what it holds: a line of JSON on its output for each SIGUSR1."""

from __future__ import annotations

import gc
import json
import signal
import sys
from typing import Any

import trio

from penstock.samples.images.__main__ import main

__all__: list[str] = []


def count_tasks(task: trio.lowlevel.Task) -> int:
    """A task, and all that are below it."""
    return 1 + sum(count_tasks(child) for nursery in task.child_nurseries for child in nursery.child_tasks)


def tell(*_: Any) -> None:
    """Print what there is now; Python calls this between two steps of the loop's thread."""
    gc.collect()
    root = trio.lowlevel.current_root_task()
    tasks = 0 if root is None else count_tasks(root)
    print(json.dumps({"tasks": tasks, "blocks": sys.getallocatedblocks()}), flush=True)


if __name__ == "__main__":
    if sys.platform != "win32":
        signal.signal(signal.SIGUSR1, tell)
    sys.exit(main())
