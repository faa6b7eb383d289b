"""Opens the socket at which a page is served."""

from __future__ import annotations

import socket


class UnusableAddressError(Exception):
    """The server cannot listen at an address; the message says why, on one line."""


def open_socket(host: str, port: int) -> socket.socket:
    """Listen at an address; port 0 takes any free port.

    Raises:
        UnusableAddressError: This is not possible.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        listener = socket.create_server((host, port), family=family)
    except (OSError, OverflowError, UnicodeError) as error:
        raise UnusableAddressError(f"cannot serve at {host} port {port}: {error}") from None
    listener.setblocking(False)
    return listener
