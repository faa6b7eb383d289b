"""Stages stand in the order in which items pass them."""

from penstock.blocks.recording.stage_order import between, in_order


def test_each_comes_behind_those_that_feed_it() -> None:
    links = {"read": ["scale"], "scale": ["left", "right"], "left": ["join"], "right": ["join"]}
    assert in_order(["join", "right", "left", "scale", "read"], links) == ["read", "scale", "right", "left", "join"]


def test_in_a_circle_they_stay_as_they_were_given() -> None:
    assert in_order(["b", "a"], {"a": ["b"], "b": ["a"]}) == ["b", "a"]


def test_two_links_to_one_target_count_twice() -> None:
    assert in_order(["b", "a"], {"a": ["b", "b"]}) == ["a", "b"]


def test_what_is_no_stage_is_left_out_between_two() -> None:
    links = {"read": ["queue 1"], "queue 1": ["queue 2", "show"], "queue 2": ["show", "queue 1"], "show": []}
    assert between(["read", "show"], links) == [("read", "show")]
