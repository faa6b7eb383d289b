"""How the head of a request is read, and that of a response is written."""

from __future__ import annotations

import pytest

from penstock.blocks.dashboard.request import Request, read_request, response_head


def test_a_request_has_a_path_a_query_and_the_headers_that_are_checked() -> None:
    head = b"GET /token/events?network=3&more=%20 HTTP/1.1\r\nHost: localhost:1\r\nORIGIN:http://a\r\nAccept: x"
    assert read_request(head) == Request(
        "GET", "/token/events", {"network": "3", "more": " "}, ("localhost:1",), ("http://a",)
    )


def test_all_headers_of_one_name_are_kept_so_that_two_are_noticed() -> None:
    request = read_request(b"GET / HTTP/1.0\r\nhost: a\r\nHost: b\r\nnonsense")
    assert request is not None
    assert request.hosts == ("a", "b")
    assert request.origins == ()


@pytest.mark.parametrize(
    "head", [b"", b"GET", b"GET  HTTP/1.1", b"GET http://a/ HTTP/1.1", b"GET / HTTP/2", b"\xff\x00 / HTTP/1.1"]
)
def test_anything_else_is_no_request(head: bytes) -> None:
    assert read_request(head) is None


def test_an_address_that_cannot_be_read_is_no_request() -> None:
    assert read_request(b"GET //[/ HTTP/1.1") is None


def test_a_response_says_that_the_connection_is_closed() -> None:
    head = response_head(404, {"content-length": "0"})
    assert head == b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
