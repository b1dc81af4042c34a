"""The signed cookie that holds a form's token and the next page's one notice: Flask's own, read faster."""

from copy import deepcopy
from functools import lru_cache

from flask import Flask, Response
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from itsdangerous import URLSafeTimedSerializer

REMEMBERED = 4096


class FormSessions(SecureCookieSessionInterface):
    """A patient comes back with the same cookie at every tap; whether it was signed by us is found out once.

    Reading and checking it anew cost a fifth of the whole request. A cookie that is remembered does not grow old
    (Flask's would, after a month); nothing in it is worth anything by then.
    """

    def __init__(self) -> None:
        self._made: URLSafeTimedSerializer | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Flask's serializer, made once."""
        if self._made is None:
            self._made = super().get_signing_serializer(app)
            if self._made is not None:
                remembered = lru_cache(maxsize=REMEMBERED)(self._made.loads)
                # Each request gets a copy: a notice that one appends must not stand in what another reads.
                self._made.loads = lambda *what, **how: deepcopy(remembered(*what, **how))  # type: ignore[method-assign]
        return self._made

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Flask asks six settings for a cookie that it then does not set; every tap but the first changes nothing."""
        if session.modified:
            super().save_session(app, session, response)


def install(app: Flask) -> None:
    """Read the cookies of `app` this way."""
    app.session_interface = FormSessions()
