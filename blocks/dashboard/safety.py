"""Lets a request in only if it has the token, uses a name of this machine, and comes from a page of this server."""

# Another page in the same browser can send requests to this server, even under a host name of its own that points to
# this machine. But it does not know the token, its host name is not ours, and its origin differs from the host of the
# request. A forwarded port has another number on the other side, so any port is accepted.

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Iterable

import attrs

LOOPBACK = ("localhost", "127.0.0.1", "::1")
POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; style-src 'self'; script-src 'self'; connect-src 'self' {ws}; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors {frames}"
)


def new_token() -> str:
    """Return a random token that nobody can guess."""
    return secrets.token_urlsafe(24)


@attrs.frozen
class Rules:
    """Decides which requests are let in.

    Args:
        token: The first part of each path.
        host: The address that the server listens at.
    """

    token: str = attrs.field(repr=False)
    host: str = "127.0.0.1"

    def problem(self, path: str, method: str, hosts: Iterable[str], origins: Iterable[str]) -> int | None:
        """Return the HTTP status for refusing a request; None if it may be let in.

        Args:
            path: The path, with the token.
            method: The HTTP method, or "WEBSOCKET".
            hosts: The `Host` headers; there must be one.
            origins: The `Origin` headers; a request that changes anything must have one.
        """
        match list(hosts):
            case [host] if self.knows(host):
                pass
            case _:
                return 421  # misdirected request
        _, _, rest = path.partition("/")
        token, slash, _ = rest.partition("/")
        if not slash or not secrets.compare_digest(token.encode("utf-8", "replace"), self.token.encode()):
            return 404
        if method not in ("GET", "HEAD") and list(origins) not in ([f"http://{host}"], [f"https://{host}"]):
            return 403
        return None

    def knows(self, host: str) -> bool:
        """Whether a `Host` header is a name of this server."""
        name = name_of(host)
        if name in LOOPBACK or name == self.host.lower():
            return True
        if self.host in LOOPBACK:
            return False
        return name == socket.gethostname().lower() or is_address(name)


def name_of(host: str) -> str:
    """Return a host without its port."""
    name, _, port = host.rpartition(":")
    name = name if name and port.isdigit() and not (":" in name and not name.startswith("[")) else host
    return name.removeprefix("[").removesuffix("]").lower()


def is_address(name: str) -> bool:
    """Whether a name is the address of a machine."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def strict_headers(host: str, frames: str = "'none'") -> dict[str, str]:
    """Return the headers of a response that tell browsers to be strict.

    Args:
        host: The `Host` header of the request.
        frames: Which pages may show this one in a frame, as the policy `frame-ancestors`. Default: none.
    """
    return {
        "content-security-policy": POLICY.format(ws=f"ws://{host}", frames=frames),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cache-control": "no-store",
    }
