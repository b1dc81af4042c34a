"""One's own shifts as a calendar: its address is made on a page, and read by a calendar program that cannot sign in."""

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.errors import NotFound
from survey.services import calendar_feeds
from survey.web import guard, limits

blueprint = Blueprint("calendars", __name__)


@blueprint.get("/calendar/<token>")
@guard.public("A calendar program cannot sign in; the address is the key, and opens one person's shifts alone.")
def read(token: str) -> ResponseReturnValue:
    """The shifts of whoever has that address; an unknown one is answered like one that was replaced.

    It ends in `.ics`, by which programs know a calendar.
    """
    try:
        body = calendar_feeds.read(token.removesuffix(".ics"), now=clock.now())
    except NotFound:
        limits.spend_on_unknown_link()
        return Response("There is no such calendar.\n", status=404, mimetype="text/plain")
    response = Response(body, mimetype="text/calendar")
    response.headers["Cache-Control"] = "private, max-age=300"
    response.headers["Content-Disposition"] = 'inline; filename="on-call.ics"'
    return response


@blueprint.get("/on-call/my-calendar")
@guard.requires(Permission.ONCALL_SWAP)
def show() -> ResponseReturnValue:
    """Whether there is an address, and the buttons."""
    return _page(None)


@blueprint.post("/on-call/my-calendar")
@guard.requires(Permission.ONCALL_SWAP)
def make() -> ResponseReturnValue:
    """Make an address and show it, this once: it is kept nowhere, and so it cannot be shown after a redirect."""
    return _page(calendar_feeds.make(by=guard.actor(), now=clock.now()))


@blueprint.post("/on-call/my-calendar/remove")
@guard.requires(Permission.ONCALL_SWAP)
def remove() -> ResponseReturnValue:
    """Take the address back."""
    calendar_feeds.remove(by=guard.actor(), now=clock.now())
    flash("The address opens nothing any more.")
    return redirect(url_for("calendars.show"), code=303)


def _page(address: str | None) -> ResponseReturnValue:
    return render_template(
        "pages/rotas/my_calendar.html", address=address, made_at=calendar_feeds.made_at(guard.actor())
    )
