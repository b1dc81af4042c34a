"""One engine for all tests' databases, for what SQLAlchemy keeps of statements is kept by engine.

A test has a database of its own, and a new engine would put every statement together anew: a tenth of the whole run.
"""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

Connect = Callable[..., sa.Engine]

_target: list[sa.URL] = []


def target() -> sa.URL | None:
    """The database that the engines lead to; None before any does."""
    return _target[-1] if _target else None


class Engines:
    """Stands in for `survey.store.engine.connect`: engines of the same options are one, led to another database.

    Whoever asks for another must have closed what lay in the pool, as `session.configure` does.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._made: dict[str, sa.Engine] = {}

    def connect(self, url: str, **options: Any) -> sa.Engine:
        """The engine of these options, whose next connection leads to that database."""
        key = repr(sorted(options.items()))
        if key not in self._made:
            self._made[key] = self._connect(url, **options)
            event.listen(self._made[key], "do_connect", _lead)
        _target[:] = [sa.make_url(url)]
        return self._made[key]


def _lead(dialect: sa.Dialect, _record: object, _args: object, parameters: dict[str, Any]) -> None:
    kept = {name: parameters[name] for name in ("connect_timeout", "tcp_user_timeout", "options")}
    parameters.clear()
    parameters.update(dialect.create_connect_args(_target[-1])[1] | kept)
