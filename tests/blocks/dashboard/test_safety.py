"""Which requests are let in."""

from __future__ import annotations

import pytest

from penstock.blocks.dashboard import Rules, new_token, strict_headers

TOKEN = "secret"


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("127.0.0.1", ["localhost", "localhost:80", "LOCALHOST:1", "127.0.0.1:9", "[::1]:5", "::1"]),
        ("10.0.0.1", ["10.0.0.1:80", "192.168.0.5:8080", "localhost:1"]),
        ("box.example", ["box.example:99", "Box.Example"]),
    ],
)
def test_the_server_knows_its_names(host: str, named: list[str]) -> None:
    rules = Rules(TOKEN, host)
    assert all(rules.problem(f"/{TOKEN}/", "GET", [name], []) is None for name in named)


@pytest.mark.parametrize(
    "names", [[], ["evil.example"], ["localhost", "localhost"], ["localhost.evil"], ["10.0.0.1"], [""]]
)
def test_the_server_does_not_answer_to_other_names(names: list[str]) -> None:
    assert Rules(TOKEN).problem(f"/{TOKEN}/", "GET", names, []) == 421


@pytest.mark.parametrize("path", ["/", f"/{TOKEN}", f"/{TOKEN}x/", f"//{TOKEN}/", "/\udc80é/", ""])
def test_a_path_without_the_token_leads_nowhere(path: str) -> None:
    assert Rules(TOKEN).problem(path, "GET", ["localhost"], []) == 404


@pytest.mark.parametrize("method", ["POST", "WEBSOCKET", "DELETE"])
def test_what_changes_anything_comes_from_our_own_page(method: str) -> None:
    rules = Rules(TOKEN)
    for origins in ([], ["null"], ["http://localhost:2"], ["http://evil.example"], ["http://localhost:1"] * 2):
        assert rules.problem(f"/{TOKEN}/ws", method, ["localhost:1"], origins) == 403
    assert rules.problem(f"/{TOKEN}/ws", method, ["localhost:1"], ["http://localhost:1"]) is None


def test_a_server_at_an_address_does_not_know_the_names_of_others() -> None:
    assert Rules(TOKEN, "10.0.0.1").problem(f"/{TOKEN}/", "GET", ["elsewhere.example"], []) == 421


def test_the_policy_names_the_server_as_the_browser_knows_it() -> None:
    headers = strict_headers("localhost:5")
    assert "connect-src 'self' ws://localhost:5;" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


def test_the_token_is_in_no_repr() -> None:
    assert TOKEN not in repr(Rules(TOKEN))
    assert new_token() != new_token()
