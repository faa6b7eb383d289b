"""Recordings made by hand, and by Hypothesis, for the tests of what is done with them."""

from hypothesis import strategies as st

from penstock.blocks import Activity, Recording, Span

WORK, WAIT_FOR_INPUT, WAIT_FOR_OUTPUT, WAIT_FOR_RATE = Activity


def small() -> Recording:
    """Two items through two stages; "filter" has two workers, and fails with the second item."""
    return Recording.of(
        [
            Span("load", "load", 1, 0.0, 0.1, WORK, "one.jpg"),
            Span("filter", "filter", 0, 0.0, 0.1, WAIT_FOR_INPUT),
            Span("load", "load", 2, 0.1, 0.2, WORK, "two.jpg"),
            Span("load", "load", 2, 0.2, 0.25, WAIT_FOR_OUTPUT),
            Span("filter", "filter 1", 1, 0.1, 0.4, WORK, "one.jpg"),
            Span("filter", "filter 2", 2, 0.25, 0.5, WORK, "two.jpg", "ValueError('dark')"),
        ],
        network="images",
        seconds=0.6,
        stages=["load", "filter", "show"],
        links=[("load", "filter"), ("filter", "show")],
    )


def many(count: int, *, seconds: float = 1.0) -> Recording:
    """A stage that works half of the time, and waits the rest of it, for input or for output by turns."""
    each = seconds / count
    spans: list[Span] = []
    for number in range(count):
        start, middle, end = number * each, (number + 0.5) * each, (number + 1) * each
        spans.append(Span("a", "a", number + 1, start, middle, error="broken" if number == 0 else ""))
        spans.append(Span("a", "a", 0, middle, end, WAIT_FOR_OUTPUT if number % 2 else WAIT_FOR_INPUT))
    return Recording.of(spans, network="many")


texts = st.text(max_size=8)
times = st.floats(0, 1e6)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    """Any span."""
    start, end = sorted((draw(times), draw(times)))
    return Span(
        stage=draw(st.sampled_from(["a", "b", "größer"]) | texts),
        worker=draw(st.sampled_from(["a", "b 1", "b 2"]) | texts),
        item=draw(st.integers(0, 50)),
        start=start,
        end=draw(st.sampled_from([start, end])),
        activity=draw(st.sampled_from(Activity)),
        label=draw(texts),
        error=draw(st.just("") | texts),
    )


@st.composite
def recordings(draw: st.DrawFn) -> Recording:
    """Any recording."""
    stages = draw(st.none() | st.lists(texts, unique=True, max_size=4))
    return Recording.of(
        draw(st.lists(spans(), max_size=30)),
        network=draw(texts),
        seconds=draw(st.none() | times),
        stages=stages,
        links=draw(st.lists(st.tuples(texts, texts), max_size=3)),
        dropped=draw(st.integers(0, 9)),
    )
