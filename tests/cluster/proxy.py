"""A stretch of wire between a Dask client and its scheduler: it counts what passes, can hold it up, and can be cut."""

import math
import socket
import threading
from contextlib import suppress
from typing import Literal

Way = Literal["to", "from"]


class Proxy:
    """Passes connections on to a scheduler.

    Attributes:
        address: Where clients connect to.
        passed: How many bytes went to the scheduler and came from it.
        is_holding: Set when something from the scheduler is held up.
    """

    def __init__(self, address: str) -> None:
        host, port = address.removeprefix("tcp://").split(":")
        self.scheduler = host, int(port)
        self.passed: dict[Way, int] = {"to": 0, "from": 0}
        self.allowance = math.inf
        self.is_open = threading.Event()
        self.is_holding = threading.Event()
        self.lock = threading.Lock()
        self.ends: list[socket.socket] = []
        self.threads: list[threading.Thread] = []
        self.entry = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self.entry.getsockname()[1]}"
        self.start(self.serve)

    def start(self, function: object, *args: object) -> None:
        thread = threading.Thread(target=function, args=args, daemon=True)  # type: ignore[arg-type]
        self.threads.append(thread)
        thread.start()

    def serve(self) -> None:
        while True:
            try:
                near, _ = self.entry.accept()
            except OSError:
                return
            far = socket.create_connection(self.scheduler)
            self.ends += [near, far]
            self.start(self.carry, near, far, "to")
            self.start(self.carry, far, near, "from")

    def carry(self, source: socket.socket, target: socket.socket, way: Way) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                with self.lock:
                    self.passed[way] += len(data)
                if way == "from" and self.passed[way] > self.allowance:
                    self.is_holding.set()
                    self.is_open.wait()
                target.sendall(data)
        for end in (source, target):
            shut(end)

    def hold_after(self, count: int) -> None:
        """Let about this many more bytes come from the scheduler, and hold back the rest."""
        self.allowance = self.passed["from"] + count

    def cut(self) -> None:
        """Break all connections; there will be no others."""
        shut(self.entry)
        self.entry.close()
        for end in self.ends:
            shut(end)
        self.is_open.set()

    def close(self) -> None:
        """Let go of everything."""
        self.cut()
        for thread in self.threads:
            thread.join(60)
        for end in self.ends:
            end.close()


def shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
