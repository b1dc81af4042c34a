"""Turns every refusal and every fault into a page with a way on: what happened, whom to call, the emergency number."""

import traceback
from types import TracebackType

import structlog
from flask import Flask, g, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, SecurityError

from survey import clock
from survey.domain.errors import Busy, Conflict, DomainError, InvalidInput, NotFound, Refused, Stale, Unavailable
from survey.services.responses import SessionOver
from survey.settings import ROOT
from survey.web import clinic, words

log = structlog.get_logger()

OURS = (str(ROOT / "survey"), str(ROOT / "templates"))
PATIENT_PATHS = ("/s/", "/check-in")
RETRY_AFTER_S = 10

STATUS: dict[type[DomainError], int] = {
    Busy: 503,
    Conflict: 409,
    InvalidInput: 422,
    NotFound: 404,
    Refused: 422,
    SessionOver: 403,
    Stale: 409,
    Unavailable: 503,
}
NOTICES = {
    400: "reopen",
    403: "refused",
    404: "wrong",
    405: "wrong",
    409: "fault",
    413: "big",
    429: "slow",
    503: "down",
}
"""Status to the sentences of its page; any other is a fault of ours."""

STAFF_SENTENCES = {
    400: "The page was open for too long, or was sent from another place. Load it again and repeat what you did.",
    403: "Your account does not open this page.",
    404: "There is nothing at this address, or not for your account.",
    405: "This address takes another kind of request. Go back and use the page's own buttons.",
    413: "This is larger than we take: 5 MB for a file or a protocol, 64 KB for any other form.",
    429: "Too many tries. Wait a minute and try again.",
    500: "Something went wrong on our side. It is in the log; your last change may not be saved.",
}


class Application(Flask):
    """Flask, with a log that never holds a path, a form or a value: only what failed, and where in our own code."""

    def log_exception(self, exc_info: object) -> None:
        """Note the kind of the fault, and our frames."""
        kind, _, trace = exc_info if isinstance(exc_info, tuple) else (None, None, None)
        log.error("request.failed", error=getattr(kind, "__name__", "unknown"), at=own_frames(trace))


def own_frames(trace: TracebackType | None) -> list[str]:
    """`survey/web/answers.py:40 save` for each frame of ours, outermost first."""
    # Code that was compiled ahead may name its file from the root on.
    placed = [(ROOT / frame.filename, frame) for frame in traceback.extract_tb(trace)]
    ours = [(path, frame) for path, frame in placed if str(path).startswith(OURS)]
    return [f"{path.relative_to(ROOT)}:{frame.lineno} {frame.name}" for path, frame in ours]


def install(app: Flask) -> None:
    """Answer every error with a page."""
    app.register_error_handler(CSRFError, _form_is_old)
    app.register_error_handler(SecurityError, _other_host)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(DomainError, _domain)


def notice(key: str, status: int, **values: object) -> ResponseReturnValue:
    """A patient's page with the sentences `<key>_heading` and `<key>_text`, the phone and the emergency number."""
    values.setdefault("sites", clinic.known_sites(clock.now()))
    return make_response(render_template("pages/errors/notice.html", key=key, **values), status)


def page(status: int, sentence: str | None = None) -> ResponseReturnValue:
    """The page of a status: in a patient's words on a patient's path, else in the staff's (`sentence` if given)."""
    if _is_for_patients():
        _keep_language()
        response = notice(NOTICES.get(status, "fault"), status, unsaved=request.method == "POST", again=_again(status))
    else:
        sentence = sentence or STAFF_SENTENCES.get(status, STAFF_SENTENCES[500])
        response = make_response(render_template("pages/errors/staff.html", status=status, sentence=sentence), status)
    if status == 503:
        response = make_response(response)
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _form_is_old(_error: CSRFError) -> ResponseReturnValue:
    return page(400)


def _other_host(_error: SecurityError) -> ResponseReturnValue:
    """No page: without a host name that is ours there is no address to put on one."""
    return "This host name is not served here.\n", 400, {"Content-Type": "text/plain; charset=utf-8"}


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:
        return error.get_response()
    return page(error.code, error.description if error.code == 403 else None)


def _domain(error: DomainError) -> ResponseReturnValue:
    if isinstance(error, SessionOver):
        _keep_language()
        return notice("reopen", 403, unsaved=request.method == "POST", again=None, more="reopen_again")
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 422)
    return page(status, error.message)


def _is_for_patients() -> bool:
    return request.path.startswith(PATIENT_PATHS)


def _keep_language() -> None:
    """The language that the view found out, else the one that the browser asks for."""
    if "language" not in g:
        words.speak(words.preferred())


def _again(status: int) -> str | None:
    """Where to try again: a question's page has the same address as its form."""
    is_page = request.path.startswith("/check-in") and request.method in ("GET", "POST")
    return request.path if status in (500, 503) and is_page else None
