"""What every response carries, what no request may be, and the one line that is logged of each."""

import gzip
import time
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from flask import Flask, Response, abort, g, request
from flask_wtf import CSRFProtect

from survey.settings import Settings

log = structlog.get_logger()

csrf = CSRFProtect()
"""Every unsafe method needs the form's token, save in what is exempt: the Start of a link and providers' receipts."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
NOT_FROM_BROWSERS = frozenset({"inbound", "receipts", "voice"})
"""Blueprints whose callers prove themselves by a signature instead of an origin."""

SMALL_BODY = 64 * 1024
LARGE_BODY = 5 * 1024 * 1024
LARGE_BODIES = frozenset({"imports", "versions"})
"""Blueprints that take files, or a text as long as one."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}
A_YEAR = "max-age=31536000; includeSubDomains"

# Patient pages reflect nothing that another site could choose, so packing them tells nobody the form's token.
PACKABLE = ("text/html", "text/csv", "image/svg+xml")
WORTH_PACKING = 500


def install(app: Flask, settings: Settings) -> None:
    """Put all of it on `app`; the checks run before any other."""
    app.config.update(
        MAX_CONTENT_LENGTH=SMALL_BODY,
        MAX_FORM_MEMORY_SIZE=SMALL_BODY,
        MAX_FORM_PARTS=200,
        TRUSTED_HOSTS=list(settings.hosts),
        WTF_CSRF_TIME_LIMIT=None,  # a survey that lay open over lunch is still a survey
    )
    app.before_request(_check)
    csrf.init_app(app)
    # Flask runs these from the last to the first.
    app.after_request(_log)
    app.after_request(_pack)
    app.wsgi_app = _WithHeaders(app.wsgi_app, secure=settings.secure)  # type: ignore[method-assign]


def _check() -> None:
    """Only some pages take large files, and an unsafe request must come from a page of ours."""
    g.started = time.perf_counter()
    if request.blueprint in LARGE_BODIES:
        request.max_content_length = LARGE_BODY
    if not (request.method in SAFE_METHODS or request.blueprint in NOT_FROM_BROWSERS or _is_from_our_page()):
        abort(403, description="This was sent from another place. Open the page again and send it from there.")


def _is_from_our_page() -> bool:
    """By the browser's word, or by its origin where it says nothing."""
    site = request.headers.get("Sec-Fetch-Site")
    return site == "same-origin" if site else request.headers.get("Origin") == f"{request.scheme}://{request.host}"


class _WithHeaders:
    """Adds what is the same for every response, in the server's own list: Flask would check each of them each time."""

    def __init__(self, app: WSGIApplication, *, secure: bool) -> None:
        self._app = app
        self._headers = list((HEADERS | ({"Strict-Transport-Security": A_YEAR} if secure else {})).items())

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:
            headers += self._headers
            if not any(name.lower() == "cache-control" for name, _ in headers):
                headers.append(("Cache-Control", "no-store"))
            return start_response(status, headers, *error)

        return self._app(environ, start)


def _pack(response: Response) -> Response:
    is_redirect = 300 <= response.status_code < 400
    if is_redirect or response.is_streamed or not response.content_type.startswith(PACKABLE):
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings.quality("gzip") > 0 and len(response.get_data()) >= WORTH_PACKING:
        response.set_data(gzip.compress(response.get_data(), 6, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def _log(response: Response) -> Response:
    """The route's pattern, never the path: a path may hold a token."""
    route = request.url_rule.rule if request.url_rule else "none"
    took = round((time.perf_counter() - g.started) * 1000, 1) if "started" in g else None
    log.info("request", route=route, method=request.method, status=response.status_code, ms=took)
    return response
