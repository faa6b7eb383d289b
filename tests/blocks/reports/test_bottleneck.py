"""How a bottleneck is said in a sentence."""

import pytest

from penstock.blocks import Bottleneck, BottleneckKind, Waited

SCALE, SHOW = Waited("scale", 3.2, is_for_input=False), Waited("show", 4.1, is_for_input=True)


def test_a_block_is_named_with_what_it_costs() -> None:
    found = Bottleneck(
        "filter", BottleneckKind.BLOCK, 4.41, 4.5, 0.0123, waits=(SHOW, SCALE), next_slowest="scale", possible=2.1
    )
    assert str(found) == (
        "filter is the bottleneck: 12.3 ms per item, busy 98% of the run; show waited 4.1 s for input, scale waited "
        "3.2 s to hand on; as fast as the next slowest (scale), the run would take 2.1 s instead of 4.5 s"
    )
    assert found.busy == pytest.approx(0.98)


def test_a_gain_that_is_none_is_not_promised() -> None:
    found = Bottleneck("f", BottleneckKind.BLOCK, 5.0, 4.5, 0.1, at_once=4, next_slowest="g", possible=4.4)
    assert str(found) == "f is the bottleneck: 100 ms per item, 4 at once, busy 100% of the run"


@pytest.mark.parametrize(
    ("kind", "name", "waits", "others", "sentence"),
    [
        (
            BottleneckKind.AGENT,
            "body",
            (SHOW,),
            (),
            "the body feeds the others too slowly: 10 ms per item of its own, busy 90% of the run; "
            "show waited 4.1 s for input",
        ),
        (
            BottleneckKind.AGENT,
            "reader",
            (SCALE,),
            (),
            "reader takes the results too slowly: 10 ms per item of its own, busy 90% of the run; "
            "scale waited 3.2 s to hand on",
        ),
        (
            BottleneckKind.AGENT,
            "middle",
            (SHOW, Waited("body", 3.2, is_for_input=False)),
            (),
            "middle is the bottleneck: 10 ms per item of its own, busy 90% of the run; "
            "show waited 4.1 s for input, the body waited 3.2 s to hand on",
        ),
        (
            BottleneckKind.LOOP,
            "loop",
            (),
            ("a", "b"),
            "the loop is the bottleneck: a and b take turns on it, busy 90% of the run",
        ),
        (
            BottleneckKind.PROCESSORS,
            "processors",
            (),
            ("a", "b"),
            "the processors are the bottleneck: busy 90% of the run, most of all with a and b",
        ),
        (BottleneckKind.INPUT, "load", (), (), "the code that feeds load is too slow"),
        (BottleneckKind.INPUT, "load", (), ("tick",), "tick, which feeds load, is too slow"),
        (BottleneckKind.OUTPUT, "load", (), (), "the code that takes the results of load is too slow"),
        (BottleneckKind.OUTPUT, "load", (), ("far",), "far, which takes the results of load, is too slow"),
        (BottleneckKind.NOTHING, "a", (), (), "nothing stands out: a, the busiest, was busy 90% of the run"),
        (
            BottleneckKind.NOTHING,
            "a",
            (),
            ("b\n", "c"),
            "nothing stands out: a, b\\n and c are about as slow, each busy 90% of the run",
        ),
    ],
)
def test_everything_else_has_a_sentence_too(
    kind: BottleneckKind, name: str, waits: tuple[Waited, ...], others: tuple[str, ...], sentence: str
) -> None:
    assert str(Bottleneck(name, kind, 0.9, 1.0, 0.01, waits=waits, others=others)) == sentence
