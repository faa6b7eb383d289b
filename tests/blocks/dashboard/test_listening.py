"""The socket of a page."""

from __future__ import annotations

import pytest

from penstock.blocks.dashboard import UnusableAddressError, open_socket


def test_port_0_takes_any_free_port() -> None:
    with open_socket("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] > 0
        assert not listener.getblocking()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a" * 300])
def test_an_address_that_cannot_be_used_is_named(host: str) -> None:
    with pytest.raises(UnusableAddressError, match=f"cannot serve at {host} port 1"):
        open_socket(host, 1)
