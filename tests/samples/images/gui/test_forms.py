"""What pages send for a form: checked, control by control, whatever it is."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks.dashboard import as_json
from penstock.samples.images.gui.forms import Form, check_form
from penstock.samples.images.gui.presets import PRESETS
from penstock.samples.images.settings import Mode, PhaseTimes, Workers

BASE = Form(workers=2)


def test_a_form_comes_back_as_it_went() -> None:
    form = Form("a/b", Mode.LOAD_BALANCED, (64, 48), 0.0, 3, 4, 5, Workers.PROCESSES, 6, 7, True, 8, 9)
    form = attrs.evolve(form, model=True, times=(1, 2, 3, 4), broken=True)
    assert check_form(json.loads(json.dumps(as_json(form))), BASE) == (form, [])


def test_what_is_missing_is_taken_from_the_base_and_what_is_unknown_is_ignored() -> None:
    assert check_form({"repeat": 3, "colour": "red"}, BASE) == (Form(workers=2, repeat=3), [])


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.id)
def test_every_preset_is_a_form(preset: object) -> None:
    values = as_json(preset)
    assert check_form(values["form"], BASE)[1] == []
    assert values["label"]
    assert values["help"]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("mode", "fast", "mode: expected sequential, control-flow, data-flow, load-balanced or planned, got 'fast'"),
        ("mode", [1], "mode: expected sequential, control-flow, data-flow, load-balanced or planned, got [1]"),
        ("size", "64x48", "size: expected width and height, each a whole number from 32 to 4096, got '64x48'"),
        ("size", [64], "size: expected width and height, each a whole number from 32 to 4096, got [64]"),
        ("noise", True, "noise: expected a number from 0 to 255, got True"),
        ("noise", float("nan"), "noise: expected a number from 0 to 255, got nan"),
        ("governor", 0, "governor: expected a whole number from 1 to 1000, got 0"),
        ("filters", 1.5, "filters: expected a whole number from 1 to 64, got 1.5"),
        ("workers", None, "workers: expected a whole number from 1 to 64, got nothing"),
        ("executor", "dask", "executor: expected threads or processes, got 'dask'"),
        ("limit", -1, "limit: expected a whole number from 1 to 1000000, got -1"),
        ("repeat", "2", "repeat: expected a whole number from 1 to 10000, got '2'"),
        ("endless", 1, "endless: expected true or false, got 1"),
        ("folder", 3, "folder: expected the path of a folder, got 3"),
        ("folder", "a\0b", "folder: expected the path of a folder, got 'a\\x00b'"),
        ("layers", 51, "layers: expected a whole number from 1 to 50, got 51"),
        ("model", "yes", "model: expected true or false, got 'yes'"),
        (
            "times",
            [300, 300, 0, 300],
            "times: expected four times in milliseconds, each a whole number from 1 to 60000, got [300, 300, 0, 300]",
        ),
        (
            "times",
            300,
            "times: expected four times in milliseconds, each a whole number from 1 to 60000, got 300",
        ),
        ("concurrency", False, "concurrency: expected a whole number from 1 to 64, got False"),
    ],
)
def test_a_message_names_the_control_and_says_what_was_expected_and_what_came(
    field: str, value: object, message: str
) -> None:
    form, wrong = check_form({field: value}, BASE)
    assert form == BASE
    assert [(one.field, one.message) for one in wrong] == [(field, message)]


def test_times_are_kept_as_seconds() -> None:
    form, wrong = check_form({"times": [100, 200.0, 300, 400]}, BASE)
    assert wrong == []
    assert form.times == (100, 200, 300, 400)
    assert form.phase_times == PhaseTimes(0.1, 0.2, 0.3, 0.4)


def test_whole_numbers_may_have_a_point() -> None:
    assert check_form({"governor": 5.0}, BASE)[0].governor == 5


def test_a_plan_is_not_for_the_model() -> None:
    _, wrong = check_form({"mode": "planned", "model": True}, BASE)
    assert [(one.field, one.message.startswith("model: a plan is for phases that work")) for one in wrong] == [
        ("model", True)
    ]
    assert check_form({"mode": "planned", "model": False}, BASE)[1] == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from([*as_json(BASE), "other"])


@given(JSON | st.dictionaries(FIELDS, JSON))
def test_whatever_comes_is_a_form_or_has_messages(values: object) -> None:
    form, wrong = check_form(values, BASE)
    assert wrong or isinstance(values, dict)
    assert all(one.field and one.message for one in wrong)
    assert form.settings(Path()).governor >= 1
