"""A drain works until nothing is due, and outlives whatever it meets."""

from datetime import datetime

from survey.domain.queues import Queue
from workers.drain import drain


def test_it_goes_on_until_every_handler_has_nothing_left() -> None:
    left, seen = {"a": 3, "b": 1}, []

    def handler(name: str) -> object:
        def work(*, now: datetime) -> int:
            seen.append(now)
            left[name] -= 1
            return int(left[name] >= 0)

        return work

    assert drain(Queue.PAGING, handler("a"), handler("b")) == 4
    assert len(set(seen)) == len(seen) == 8  # each with a `now` of its own


def test_it_stops_after_its_time() -> None:
    assert drain(Queue.PAGING, lambda now: 1, seconds=0) == 1  # noqa: ARG005 (the service's signature)


def test_it_survives_any_error_and_says_what_was_done_before() -> None:
    answers = iter([2, RuntimeError("never logged: it may quote a row")])

    def work(*, now: datetime) -> int:  # noqa: ARG001 (the service's signature)
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert drain(Queue.SCORING, work) == 2
