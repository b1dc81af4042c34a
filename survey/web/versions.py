"""Writing a protocol: copy a version, edit the copy, prove it, throw it away, retire what is in force."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.errors import Busy, DomainError, NotFound, Refused, Stale, Unavailable
from survey.domain.versions import Version
from survey.services import accounts, protocols, versions
from survey.services.versions import ProtocolError
from survey.web import errors, guard
from survey.web import protocols as pages
from survey.web.forms import put_beside
from survey.web.forms import versions as forms
from survey.web.forms.versions import Place, TextForm

blueprint = Blueprint("versions", __name__, url_prefix="/protocols")

PROOF_S = 20.0
"""Somebody waits for the page; `daytwo protocol publish` takes more time for a large protocol."""
WRITTEN = frozenset({"versions.draft", "versions.save"})
"""Where a text comes in that may be an hour's work: whatever happens to it, it is on the page that follows."""
TOO_OLD = "The page was open for too long to be sent. Press the button again: it is fresh now."
SIGNED_OUT = "You were signed out while you wrote. Sign in, come back to this page, and press the button again."


@blueprint.get("/<string:slug>/<int:version>/copy")
@guard.requires(Permission.PROTOCOL_WRITE)
def copy(slug: str, version: int) -> ResponseReturnValue:
    """The text of a version under the next free number, to be edited and kept as a draft."""
    one = protocols.numbered(slug, version)
    return _editor(one, TextForm(data={"text": versions.copied(one)}))


@blueprint.post("/<string:slug>/<int:version>/copy")
@guard.requires(Permission.PROTOCOL_WRITE)
def draft(slug: str, version: int) -> ResponseReturnValue:
    """Keep the edited copy as a draft."""
    one = protocols.numbered(slug, version)
    return _written(
        one, lambda form: versions.draft(form.text.data, name="protocol", by=guard.actor(), now=clock.now())
    )


@blueprint.get("/<string:slug>/<int:version>/edit")
@guard.requires(Permission.PROTOCOL_WRITE)
def edit(slug: str, version: int) -> ResponseReturnValue:
    """One's own draft in the editor; for any other version, the way to a copy of it."""
    one = protocols.numbered(slug, version)
    if one.state.is_fixed or one.author != guard.person().id:
        return render_template("pages/versions/not_yours.html", one=one, people=accounts.names()), 403
    return _editor(one, TextForm(data={"text": one.source, "sha256": one.sha256}))


@blueprint.post("/<string:slug>/<int:version>/edit")
@guard.requires(Permission.PROTOCOL_WRITE)
def save(slug: str, version: int) -> ResponseReturnValue:
    """Put the edited text in the place of what the draft held."""
    one = protocols.numbered(slug, version)
    return _written(
        one,
        lambda form: versions.change(
            one.id,
            form.text.data,
            name="protocol",
            expected_sha256=form.sha256.data,
            by=guard.actor(),
            now=clock.now(),
        ),
    )


@blueprint.post("/<string:slug>/<int:version>/verify")
@guard.requires(Permission.PROTOCOL_WRITE)
def verify(slug: str, version: int) -> ResponseReturnValue:
    """Prove it, and go to what came of it."""
    return _proved(protocols.numbered(slug, version))


@blueprint.post("/<string:slug>/<int:version>/discard")
@guard.requires(Permission.PROTOCOL_WRITE)
def discard(slug: str, version: int) -> ResponseReturnValue:
    """Throw one's own draft away."""
    one = protocols.numbered(slug, version)
    try:
        versions.discard(one.id, by=guard.actor(), now=clock.now())
    except Refused as refused:
        return pages.page(one, refused=refused.message)
    flash(f"{one.name} is discarded.")
    return redirect(url_for("protocols.index"), code=303)


@blueprint.post("/<string:slug>/<int:version>/retire")
@guard.requires(Permission.PROTOCOL_APPROVE)
def retire(slug: str, version: int) -> ResponseReturnValue:
    """Take a version out of force, with nothing in its place."""
    one = protocols.numbered(slug, version)
    try:
        versions.retire(one.id, by=guard.actor(), now=clock.now())
    except Refused as refused:
        return pages.page(one, refused=refused.message)
    flash(f"{one.name} is retired. No new patient is asked with it; surveys that began on it go on.")
    return _shown(one)


@blueprint.before_app_request
def keep_from_signed_out() -> ResponseReturnValue | None:
    """Give a text back to whoever wrote for longer than a session lasts, before the guard turns it away."""
    if request.endpoint in WRITTEN and request.method == "POST" and guard.person_or_none() is None:
        return _kept(403, SIGNED_OUT)
    return None


@blueprint.errorhandler(CSRFError)
def keep_from_old_page(_error: CSRFError) -> ResponseReturnValue:
    """The same for a page that lay open until its token was worth nothing."""
    return _kept(400, TOO_OLD) if request.endpoint in WRITTEN else errors.page(400)


@blueprint.errorhandler(Busy)
@blueprint.errorhandler(NotFound)
@blueprint.errorhandler(Unavailable)
def keep_from_fault(error: DomainError) -> ResponseReturnValue:
    """The same while the database is away, or when the version is gone."""
    status, is_written = errors.STATUS[type(error)], request.endpoint in WRITTEN and request.method == "POST"
    return _kept(status, error.message) if is_written else errors.page(status, error.message)


def _kept(status: int, sentence: str) -> ResponseReturnValue:
    text = forms.unix_lines(request.form.get("text")) or ""
    sha256 = request.form.get("sha256", "")
    return render_template("pages/versions/kept.html", sentence=sentence, text=text, sha256=sha256), status


def _written(one: Version, write: Callable[[TextForm], Version]) -> ResponseReturnValue:
    """Keep what was typed, or show it again with what is wrong."""
    form = TextForm()
    if not form.is_valid():
        return _editor(one, form, status=422)
    try:
        new = write(form)
    except ProtocolError as error:
        return _editor(one, form, status=422, wrong=forms.places(form.text.data, error.mistakes))
    except Refused as refused:
        return _refused(one, form, refused)
    except Stale:
        return _overtaken(protocols.numbered(one.slug, one.version), form)
    flash(f"{new.name} is saved as your draft.")
    return _proved(new) if "prove" in request.form else _shown(new)


def _refused(one: Version, form: TextForm, refused: Refused) -> ResponseReturnValue:
    if refused.field == "version":
        return _editor(one, form, status=422, wrong=forms.place_of_version(form.text.data, refused))
    put_beside(form, refused)
    return _editor(one, form, status=422)


def _overtaken(latest: Version, form: TextForm) -> ResponseReturnValue:
    """Somebody saved another text meanwhile. Whoever sees both may put this one in its place: the hash is now of it."""
    form.sha256.data = latest.sha256
    put_beside(form, Refused("Another text was saved meanwhile."))
    differing = forms.differences(latest.source, form.text.data)
    return _editor(latest, form, status=409, overtaken=True, differing=differing)


def _editor(
    one: Version,
    form: TextForm,
    *,
    status: int = 200,
    wrong: tuple[Place, ...] = (),
    overtaken: bool = False,
    differing: tuple[str, ...] = (),
) -> ResponseReturnValue:
    if wrong:
        put_beside(form, Refused("Mend what is listed at the top of this page.", field="text"))
    return render_template(
        "pages/versions/edit.html",
        one=one,
        form=form,
        copying=request.endpoint in ("versions.copy", "versions.draft"),
        wrong=wrong[: forms.MOST_PLACES],
        more=len(wrong[forms.MOST_PLACES :]),
        faulty={place.line for place in wrong},
        overtaken=overtaken,
        differing=differing,
        people=accounts.names(),
        zone=pages.zone(),
    ), status


def _proved(one: Version) -> ResponseReturnValue:
    try:
        versions.verify(one.id, now=clock.now(), seconds=PROOF_S)
    except Refused as refused:
        return pages.page(one, refused=refused.message)
    return _shown(one, to="proof")


def _shown(one: Version, *, to: str | None = None) -> ResponseReturnValue:
    return redirect(url_for("protocols.show", slug=one.slug, version=one.version, _anchor=to), code=303)
