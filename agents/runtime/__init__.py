"""Plain functions in the background: the functions of the default runtime, and what a task can say."""

from typing import TYPE_CHECKING

from penstock.blocks.base.handing_on import hand_on

if TYPE_CHECKING:
    from .dask_plugin import RuntimePlugin, worker_runtime
    from .default import (
        clear_failed,
        get_default_runtime,
        get_failed,
        get_progress,
        set_default_runtime,
        set_error_callback,
        shutdown,
        submit,
        wait,
        wait_all,
    )
    from .report_progress import report_progress
else:
    __getattr__, __dir__ = hand_on(
        __name__,
        {
            ".default": "clear_failed get_default_runtime get_failed get_progress set_default_runtime "
            "set_error_callback shutdown submit wait wait_all",
            ".dask_plugin": "RuntimePlugin worker_runtime",
            ".report_progress": "report_progress",
        },
    )

__all__ = [
    "RuntimePlugin",
    "clear_failed",
    "get_default_runtime",
    "get_failed",
    "get_progress",
    "report_progress",
    "set_default_runtime",
    "set_error_callback",
    "shutdown",
    "submit",
    "wait",
    "wait_all",
    "worker_runtime",
]
