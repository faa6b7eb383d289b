"""How many items a job gets, without a loop."""

from penstock.blocks.functions.job_size import JobSize, OneByOne

AIM = 0.001


def learned(each: float, aim: float = AIM) -> JobSize:
    """A size after one job of eight items that took this time each."""
    size = JobSize()
    size.learn(8, 8 * each, aim)
    return size


def test_before_anything_is_known_work_is_shared_evenly() -> None:
    assert JobSize().share(16, 4) == 4
    assert JobSize().share(17, 4) == 5
    assert not JobSize().is_quick


def test_a_job_is_not_divided_into_jobs_that_take_less_time_than_a_hand_over() -> None:
    assert learned(0.00001).share(16, 4) == 16
    assert learned(0.00001).share(48, 4) == 12
    assert learned(0.00001, aim=0.1).share(48, 4) == 48
    assert learned(0.01).share(16, 4) == 4


def test_quick_items_wait_for_those_that_come_right_after_them() -> None:
    assert learned(0.000001).is_quick
    assert not learned(0.0001).is_quick


def test_one_slow_job_is_remembered_for_some_jobs() -> None:
    size = learned(0.000001)
    size.learn(8, 0.08, AIM)
    size.learn(8, 0.0, AIM)
    assert size.share(16, 4) == 4
    for _ in range(40):
        size.learn(8, 0.0, AIM)
    assert size.share(16, 4) == 16


def test_a_job_of_which_nothing_was_begun_tells_nothing() -> None:
    size = learned(0.000001)
    size.learn(0, 0.0, AIM)
    assert size.share(16, 4) == 16


def test_a_size_of_one_stays_one() -> None:
    size = OneByOne()
    size.learn(1, 0.0, AIM)
    assert size.items == 1
    assert not size.is_quick
