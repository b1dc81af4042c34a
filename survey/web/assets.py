"""Style sheets under addresses that name their content, so that a browser keeps them for good."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, make_response, request, url_for

from survey.web import guard

FOLDER = Path(__file__).parent / "static"
FOR_GOOD = "public, max-age=31536000, immutable"

BUNDLES = {
    "patient.css": ("tokens.css", "patient.css"),
    "leaflet.css": ("tokens.css", "patient.css", "leaflet.css"),
    "staff.css": ("tokens.css", "staff.css"),
}
"""Address to the files behind it: a page's whole style is one request."""

blueprint = Blueprint("assets", __name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One style sheet, ready to be sent."""

    digest: str
    plain: bytes
    packed: bytes


@lru_cache(maxsize=16)
def load(name: str) -> Asset:
    """The bundle of that name. Raises KeyError."""
    plain = b"".join((FOLDER / part).read_bytes() for part in BUNDLES[name])
    digest = hashlib.sha256(plain).hexdigest()[:12]
    return Asset(digest=digest, plain=plain, packed=gzip.compress(plain, 9, mtime=0))


@blueprint.get("/static/<digest>/<name>")
@guard.public("Style sheets hold nothing about anybody.")
def show(digest: str, name: str) -> Response:
    """A style sheet at the address that `asset` made."""
    if name not in BUNDLES or load(name).digest != digest:
        abort(404)
    packed = request.accept_encodings.quality("gzip") > 0
    response = make_response(load(name).packed if packed else load(name).plain)
    response.headers["Content-Type"] = "text/css; charset=utf-8"
    response.headers["Cache-Control"] = FOR_GOOD
    response.headers["Vary"] = "Accept-Encoding"
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    return response


def asset(name: str) -> str:
    """The address of a style sheet."""
    return url_for("assets.show", digest=load(name).digest, name=name)


def install(app: Flask) -> None:
    """Serve the style sheets, and let templates name them: `asset("patient.css")`."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals["asset"] = asset
