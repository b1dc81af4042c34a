"""Slows down whoever guesses; never anybody who holds a live link or a session."""

from flask import Flask, abort
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from limits import parse

# Counted in each process by itself: a guesser gets a few times the limit, and no store has to be up for it.
limiter = Limiter(key_func=get_remote_address, storage_uri="memory://", strategy="moving-window")

UNKNOWN_LINKS = parse("30/minute")


def install(app: Flask) -> None:
    """Let the limiter know the application."""
    limiter.init_app(app)


def spend_on_unknown_link() -> None:
    """Count one link that does not exist against whoever asked; aborts with 429 once it is too many.

    Only misses are counted, so a mobile carrier's one address for thousands of patients is never shut out.
    """
    if not limiter.limiter.hit(UNKNOWN_LINKS, "unknown-link", get_remote_address()):
        abort(429)
