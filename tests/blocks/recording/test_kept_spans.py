"""The spans of a recording are kept as tuples, and made when they are read."""

import copy
import pickle
from collections import deque
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from penstock.blocks import Recording, Span
from penstock.blocks.recording.kept_spans import KeptSpans
from tests.blocks.recording.recordings import spans

READ = "read"
histories = st.lists(spans() | st.just(READ), max_size=40)


class Simple:
    """The same, span by span."""

    def __init__(self, most: int, given: Iterable[Span], missing: int) -> None:
        self.spans = deque[Span](maxlen=most)
        self.dropped = missing
        for span in given:
            self.add(span)

    def add(self, span: Span) -> None:
        """Count the one that goes, and keep this one."""
        self.dropped += len(self.spans) == self.spans.maxlen
        self.spans.append(span)


@given(histories, st.integers(1, 12), st.lists(spans(), max_size=4), st.integers(0, 3))
def test_they_are_the_newest_whenever_they_are_read(
    history: list[Span | str], most: int, first: list[Span], missing: int
) -> None:
    kept, simple = KeptSpans(most, first, missing), Simple(most, first, missing)
    for event in history:
        if isinstance(event, Span):
            kept.add_span(event)
            simple.add(event)
        else:
            assert kept.spans() == tuple(simple.spans)
        assert (len(kept), kept.dropped) == (len(simple.spans), simple.dropped)
        assert kept.stages() == {span.stage for span in simple.spans}
    assert kept.spans() == tuple(simple.spans)


def test_a_span_is_made_once() -> None:
    kept = KeptSpans(3)
    for number in range(4):
        kept.add_span(Span("a", "a", number, 0, 1))
    before = kept.spans()
    kept.add_span(Span("a", "a", 4, 0, 1))
    after = kept.spans()
    assert [span.item for span in after] == [2, 3, 4]
    assert after[0] is before[1]
    assert after[1] is before[2]


def test_a_copy_of_a_recording_is_independent_of_it() -> None:
    recording = Recording(2)
    for number in range(3):
        recording.add(Span("a", "a", number, 0, 1))
    for other in (copy.deepcopy(recording), pickle.loads(pickle.dumps(recording))):
        assert (other.spans, other.dropped) == (recording.spans, 1)
        other.add(Span("a", "a", 7, 0, 1))
        assert [span.item for span in other.spans] == [2, 7]
        assert [span.item for span in recording.spans] == [1, 2]
