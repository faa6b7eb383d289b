"""Items and exceptions on their way between processes, without processes."""

import pickle
from typing import Any

import pytest

from penstock.blocks import RemoteError
from penstock.blocks.executors.parcel import Answer, Parcel, perform_parcel
from penstock.blocks.executors.remote import ErrorRecord
from penstock.blocks.executors.work import Outcome, Task
from tests.blocks.elsewhere import (
    Poison,
    Refuses,
    Speechless,
    Stubborn,
    be_speechless,
    count,
    double,
    fail_at_3,
    give_a_lambda,
    refuse,
    same,
)
from tests.blocks.tools import notes

PROTOCOLS = pytest.mark.parametrize("protocol", [2, 4, 5])


class Mail:
    """Sends what it is given as executors do, through several hands if need be."""

    def __init__(self, protocol: int = 5, hands: int = 1, *, out_of_band: bool = False) -> None:
        self.protocol = protocol
        self.hands = hands
        self.out_of_band = out_of_band

    def send(self, value: Any) -> Any:
        """Pickle and unpickle."""
        for _ in range(self.hands):
            if self.out_of_band:
                buffers: list[pickle.PickleBuffer] = []
                data = pickle.dumps(value, 5, buffer_callback=buffers.append)
                value = pickle.loads(data, buffers=[bytearray(buffer.raw()) for buffer in buffers])
            else:
                value = pickle.loads(pickle.dumps(value, self.protocol))
        return value

    def work(self, task: Task, items: list[Any]) -> Outcome:
        """Have items worked on elsewhere."""
        task, parcel = self.send((task, Parcel(items, task.name)))
        outcome: Outcome = self.send(perform_parcel(task, parcel)).unpack()
        return outcome


def told(outcome: Outcome) -> list[tuple[int, str]]:
    return [(place, f"{type(error).__name__}: {error}") for place, error in outcome.failures]


def test_at_home_a_parcel_is_just_its_items() -> None:
    outcome = perform_parcel(Task(same, name="b"), Parcel([item := object()], "b")).unpack()
    assert outcome.results == [item]


@PROTOCOLS
@pytest.mark.parametrize("hands", [1, 2, 3])
def test_items_and_results_come_through_every_pickle(protocol: int, hands: int) -> None:
    outcome = Mail(protocol, hands).work(Task(double, name="b"), [1, 2, 3])
    assert (outcome.results, outcome.failures) == ([2, 4, 6], [])
    assert outcome.seconds >= 0
    assert Mail(protocol, hands).work(Task(count, expands=True), [2, 0]).results == [[0, 1], []]
    assert Mail(protocol, hands).work(Task(double), []).results == []


@pytest.mark.parametrize("mail", [Mail(), Mail(4), Mail(2), Mail(out_of_band=True), Mail(hands=2, out_of_band=True)])
def test_big_buffers_come_through_and_travel_beside_the_stream_where_they_can(mail: Mail) -> None:
    item = pickle.PickleBuffer(bytearray(b"0123456789" * 1000))
    (result,) = mail.work(Task(same), [item]).results
    assert bytes(result) == b"0123456789" * 1000


@pytest.mark.parametrize("hands", [1, 2])
def test_an_item_that_cannot_be_sent_fails_alone(hands: int) -> None:
    outcome = Mail(hands=hands).work(Task(same, is_strict=False, name="call 'c'"), [1, Stubborn(), 2, Poison()])
    assert outcome.results == [1, 2]
    assert told(outcome) == [(1, "LookupError: not to be moved"), (3, "LookupError: poisoned")]
    for _, error in outcome.failures:
        assert "the item could not be sent to the process that works for call 'c'" in " ".join(notes(error))


@pytest.mark.parametrize("hands", [1, 2])
def test_a_result_that_cannot_be_sent_fails_alone(hands: int) -> None:
    outcome = Mail(hands=hands).work(Task(give_a_lambda, is_strict=False, name="call 'c'"), [0, 1, 2])
    assert outcome.results == [0, 2]
    assert [place for place, _ in outcome.failures] == [1]
    assert "the result could not be sent back from the process that works for call 'c'" in notes(outcome.failures[0][1])


def test_a_result_that_cannot_be_made_again_fails_alone() -> None:
    answer = Answer(Outcome([1, Poison(), 3], []), "c")
    outcome = Mail().send(answer).unpack()
    assert outcome.results == [1, 3]
    assert told(outcome) == [(1, "LookupError: poisoned")]


def test_exceptions_keep_their_type_and_say_where_they_were_raised() -> None:
    outcome = Mail().work(Task(fail_at_3, is_strict=False), [3, 1, 13])
    assert outcome.results == [1]
    assert told(outcome) == [(0, "ValueError: bad 3"), (2, "ValueError: bad 13")]
    (note,) = notes(outcome.failures[0][1])
    assert note.startswith("where it was raised, elsewhere than here:\nTraceback")
    assert "in fail_at_3" in note
    assert "in perform" not in note


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_an_exit_stays_an_exit(error: BaseException) -> None:
    revived = ErrorRecord.of(error).revive()
    assert type(revived) is type(error)
    assert revived.args == error.args


def test_an_exception_that_cannot_be_made_again_has_a_stand_in() -> None:
    outcome = Mail().work(Task(refuse), [1])
    assert told(outcome) == [(0, "RemoteError: Refuses: no 1")]
    assert "in refuse" in notes(outcome.failures[0][1])[0]


def test_an_exception_whose_class_is_not_known_here_has_a_stand_in() -> None:
    record = ErrorRecord(pickle.dumps(ValueError(1)).replace(b"ValueError", b"WalueError"), "WalueError: 1", "trace")
    revived = record.revive()
    assert isinstance(revived, RemoteError)
    assert str(revived) == "WalueError: 1"
    assert isinstance(revived.__cause__, AttributeError)


def test_an_exception_that_cannot_be_told_comes_through_too() -> None:
    outcome = Mail().work(Task(be_speechless), [1])
    assert type(outcome.failures[0][1]) is Speechless


def test_a_stand_in_keeps_the_notes() -> None:
    error = Refuses("no", "1")
    error.add_note("a note")
    assert "a note" in " ".join(notes(ErrorRecord.of(error).revive()))


def test_a_note_comes_along() -> None:
    error = ValueError()
    error.add_note("a note")
    assert notes(ErrorRecord.of(error).revive())[0] == "a note"
