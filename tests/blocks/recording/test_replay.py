"""A recorded run, moment by moment."""

from hypothesis import given

from penstock.blocks import Recording, Span
from tests.blocks.recording.recordings import WAIT_FOR_INPUT, WAIT_FOR_OUTPUT, WAIT_FOR_RATE, WORK, recordings, small


def test_a_run_is_told_in_sentences() -> None:
    assert [(step.time, step.sentence) for step in small().steps()] == [
        (0.0, "load begins item 1"),
        (0.0, "filter waits for an item"),
        (0.1, "load has done item 1"),
        (0.1, "load begins item 2"),
        (0.1, "filter 1 begins item 1"),
        (0.2, "load has done item 2"),
        (0.2, "load waits to hand item 2 on"),
        (0.25, "filter 2 begins item 2"),
        (0.4, "filter 1 has done item 1"),
        (0.5, "filter 2 fails with item 2: ValueError('dark')"),
    ]


def test_work_and_waits_that_concern_no_item_are_told_too() -> None:
    recording = Recording.of(
        [
            Span("body", "body", 0, 0, 1),
            Span("body", "body", 0, 1, 2, WAIT_FOR_OUTPUT),
            Span("body", "thread 7", 0, 2, 3, error="OSError()"),
            Span("ask", "ask", 0, 4, 5, WAIT_FOR_RATE),
        ]
    )
    assert [step.sentence for step in recording.steps()] == [
        "body begins to work",
        "body has done its work",
        "body waits to hand an item on",
        "body thread 7 begins to work",
        "body thread 7 fails: OSError()",
        "ask waits for its rate",
    ]


def test_after_each_step_it_is_known_who_works_and_waits_and_where_the_items_are() -> None:
    steps = list(small().steps())
    state = steps[3].state  # 0.1 s: load begins item 2
    assert [(span.worker, span.item) for span in state.working] == [("load", 2)]
    assert state.waiting == ()
    assert state.done == {"load": (1,), "filter": (), "show": ()}
    assert state.between == {("load", "filter"): (1,), ("filter", "show"): ()}
    state = steps[6].state  # 0.2 s: load waits to hand item 2 on
    assert [(span.worker, span.activity) for span in state.waiting] == [("load", WAIT_FOR_OUTPUT)]
    assert state.between["load", "filter"] == (2,)
    state = steps[-1].state
    assert (state.working, state.waiting, state.failed) == ((), (), (2,))
    assert state.between == {("load", "filter"): (), ("filter", "show"): (1,)}  # show never begins it: still on its way


def test_an_item_that_was_made_part_of_another_is_not_on_its_way_for_ever() -> None:
    spans = [Span("a", "a", item, item, item + 1) for item in (1, 2, 3, 4)]
    spans += [Span("b", "b", 1, 4, 5), Span("b", "b", 3, 5, 6)]  # batches of two, called 1 and 3
    spans.append(Span("a", "a", 5, 6, 7))
    steps = list(Recording.of(spans, links=[("a", "b")]).steps())
    assert [step.state.between["a", "b"] for step in steps if step.span.stage == "a"][1::2] == [
        (1,),
        (1,),
        (1, 3),
        (3, 4),
        (4, 5),  # what comes after the last one that b took was still on its way
    ]


def test_what_takes_no_time_begins_before_it_ends_and_ends_after_others_have_begun() -> None:
    recording = Recording.of([Span("a", "a", 1, 0, 1), Span("a", "a", 2, 1, 1), Span("a", "a", 3, 1, 2)])
    assert [step.sentence for step in recording.steps()][1:5] == [
        "a has done item 1",
        "a begins item 2",
        "a begins item 3",
        "a has done item 2",
    ]


def test_an_empty_recording_has_no_steps() -> None:
    assert list(Recording.of([]).steps()) == []


def test_a_step_is_a_value_that_shows_what_it_is() -> None:
    one, other = next(small().steps()), next(small().steps())
    assert one == other
    assert repr(one).startswith("Step(time=0.0, sentence='load begins item 1', span=Span(")


@given(recordings())
def test_at_the_end_nobody_works_and_every_item_is_done_or_failed(recording: Recording) -> None:
    steps = list(recording.steps())
    work = [span for span in recording.spans if span.activity is WORK]
    waits = [span for span in recording.spans if span.activity is not WORK]
    assert len(steps) == 2 * len(work) + len(waits)
    assert [step.time for step in steps] == sorted(step.time for step in steps)
    if work and steps[-1].span.activity is WORK:
        state = steps[-1].state
        assert not any(span.activity is WAIT_FOR_INPUT and span.end < steps[-1].time for span in state.waiting)
        assert state.working == ()
        assert {item for items in state.done.values() for item in items} | set(state.failed) == {
            span.item for span in work if span.item
        }
