"""Reads the head of an HTTP request, and writes the head of a response."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs

MOST_BYTES = 16 * 1024
"""The longest head of a request."""
LINE = re.compile(r"([A-Z]+) (/[^ ]*) HTTP/1\.[01]")


@attrs.frozen
class Request:
    """The head of a request.

    Attributes:
        method: The HTTP method.
        path: The path, without the query.
        query: The values in the query, by name.
        hosts: The `Host` headers.
        origins: The `Origin` headers.
    """

    method: str
    path: str
    query: Mapping[str, str] = attrs.field(factory=dict[str, str])
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()


def read_request(head: bytes) -> Request | None:
    """Return the request with this head; None if it is not one of HTTP/1."""
    first, *lines = head.decode("latin-1").split("\r\n")
    found = LINE.fullmatch(first)
    if found is None:
        return None
    try:
        address = urlsplit(found[2])
    except ValueError:
        return None
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return Request(
        found[1],
        unquote(address.path),
        dict(parse_qsl(address.query)),
        tuple(value for name, value in headers if name == "host"),
        tuple(value for name, value in headers if name == "origin"),
    )


def response_head(status: int, headers: Mapping[str, str]) -> bytes:
    """Return the head of a response after which the connection is closed."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1")
