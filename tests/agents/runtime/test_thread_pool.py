"""Who of the workers of a pool runs what, decided without a thread."""

from typing import Any

from penstock.agents.runtime.runtime_task import RuntimeTask
from penstock.agents.runtime.task_options import TaskOptions
from penstock.agents.runtime.tasks_core import TasksCore
from penstock.agents.runtime.thread_pool import ThreadPool
from penstock.agents.runtime.worker import Worker


def is_woken(worker: Worker) -> bool:
    return worker.sleep.acquire(blocking=False)


def test_a_worker_that_is_one_too_many_leaves_the_task_for_which_it_was_woken_to_another() -> None:
    tasks = TasksCore("runtime")
    pool = ThreadPool("compute", 2, tasks)

    def put() -> tuple[RuntimeTask[Any], Any]:
        task: RuntimeTask[Any] = RuntimeTask(tasks, pool, "work", (int, (), {}), TaskOptions())
        return task, pool.put(task)

    first, second, third = (put()[0] for _ in range(3))
    assert pool.next(pool.workers[0]) is first
    assert pool.next(pool.workers[1]) is second
    assert pool.stand_aside(True) is not None  # the first task waits, and a third worker runs instead
    idle = [pool.workers[1], pool.workers[2]]
    assert pool.next(idle[1]) is third
    assert [pool.next(worker) for worker in idle] == [None, None]
    assert pool.stand_aside(False) is None  # there are three workers, and two may run
    last, wake = put()
    wake()
    (woken,) = filter(is_woken, idle)
    assert pool.next(woken) is None
    assert woken.is_over
    idle.remove(woken)
    assert is_woken(idle[0])
    assert pool.next(idle[0]) is last
