"""Connections to PostgreSQL, with the timeouts that keep one hung session from stopping the rest."""

import json
import time
from typing import Any

import sqlalchemy as sa
from psycopg.types.json import set_json_loads
from sqlalchemy import event, exc

# A hung session would hide its rows from SKIP LOCKED for ever; these bounds end it.
TIMEOUTS = "-c statement_timeout=10s -c lock_timeout=5s -c idle_in_transaction_session_timeout=10s -c timezone=UTC"

FRESH_S = 1.0
"""A connection that answered so lately is not asked again whether it is alive: a page asks ten times on its way."""


def connect(url: str, *, pool_size: int = 1, options: str = "", **more: Any) -> sa.Engine:
    """An engine with Daytwo's timeouts, and further `options` (`-c name=value`); its errors never quote parameters."""
    url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    made = sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=4,
        pool_timeout=5,
        hide_parameters=True,
        **more,
        connect_args={"connect_timeout": 5, "tcp_user_timeout": 5000, "options": f"{TIMEOUTS} {options}"},
    )
    _ask_after_idling(made)
    event.listen(made, "connect", lambda driver, _record: set_json_loads(_read_json, driver))
    return made


_decode = json.JSONDecoder().decode


def _read_json(document: str | bytes) -> Any:
    """`json.loads` guesses the encoding of every document anew; PostgreSQL's is known."""
    return _decode(document.decode() if isinstance(document, bytes) else document)


def _ask_after_idling(made: sa.Engine) -> None:
    """What `pool_pre_ping` does, save for connections that have just been used."""

    @event.listens_for(made, "checkin")
    def note(_driver: Any, record: Any) -> None:
        record.info["used"] = time.monotonic()

    @event.listens_for(made, "checkout")
    def ask(driver: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("used", time.monotonic()) < FRESH_S:
            return
        try:
            made.dialect.do_ping(driver)
        except made.dialect.loaded_dbapi.Error:
            # Whatever took this one has taken the others; the pool opens a new one and asks nobody again.
            raise exc.InvalidatePoolError from None
