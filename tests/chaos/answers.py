"""Patients who answer all the while, until the story is over."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Lock

from tests.chaos.scene import Scene

EVERY_S = 0.5


@contextmanager
def answers_come_in(scene: Scene) -> Iterator[Lock]:
    """One after the other over HTTP, while the block lasts; nobody answers while somebody else has the lock."""
    over, turn = Event(), Lock()

    def come_in() -> None:
        while not over.wait(EVERY_S):
            with turn:
                scene.submit(1)

    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(come_in)
        try:
            yield turn
        finally:
            over.set()
        coming.result()
