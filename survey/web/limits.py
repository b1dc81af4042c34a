"""Slows down whoever guesses; never anybody who holds a live link or a session."""

from flask import Flask, abort, current_app, request
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

UNKNOWN_LINKS = parse("30/minute")


def install(app: Flask) -> None:
    """Let this process count.

    Each process counts by itself: a guesser gets a few times the limit, and no store has to be up for it. Nothing is
    hooked into requests, so that a patient's answer does not pay for a limit that never concerns it.
    """
    app.extensions["limits"] = MovingWindowRateLimiter(MemoryStorage())


def spend_on_unknown_link() -> None:
    """Count one link that does not exist against whoever asked; aborts with 429 once it is too many.

    Only misses are counted, so a mobile carrier's one address for thousands of patients is never shut out.
    """
    counter: MovingWindowRateLimiter = current_app.extensions["limits"]
    if not counter.hit(UNKNOWN_LINKS, "unknown-link", request.remote_addr or "local"):
        abort(429)
