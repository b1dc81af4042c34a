"""A roster that is read from a calendar: where it is, what could not be told from it, and who is meant."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.errors import NotFound, Refused
from survey.services import rosters, rota_feeds
from survey.services.rota_feeds import Reading
from survey.web import guard
from survey.web.forms import put_beside
from survey.web.forms.rota_feeds import FeedForm, NameForm

blueprint = Blueprint("rota_feeds", __name__, url_prefix="/on-call/schedules/<uuid:schedule_id>/calendar")


@blueprint.get("")
@guard.requires(Permission.ONCALL_WRITE)
def show(schedule_id: UUID) -> ResponseReturnValue:
    """The calendar of a roster, or the form for one."""
    return _page(schedule_id, FeedForm(), 200)


@blueprint.post("")
@guard.requires(Permission.ONCALL_WRITE)
def add(schedule_id: UUID) -> ResponseReturnValue:
    """Read the roster from a calendar from now on."""
    form = FeedForm()
    try:
        if form.is_valid():
            rota_feeds.add(schedule_id, form.url.data, by=guard.actor(), now=clock.now())
            return _back(schedule_id)
    except Refused as refused:
        put_beside(form, refused)
    return _page(schedule_id, form, 422)


@blueprint.post("/read")
@guard.requires(Permission.ONCALL_WRITE)
def read(schedule_id: UUID) -> ResponseReturnValue:
    """Read it now."""
    fault = rota_feeds.read_now(_reading(schedule_id).feed.id, now=clock.now())
    flash("The calendar could not be read." if fault else "The calendar is read, and its shifts are on the roster.")
    return _back(schedule_id)


@blueprint.post("/names")
@guard.requires(Permission.ONCALL_WRITE)
def choose(schedule_id: UUID) -> ResponseReturnValue:
    """Say who is meant by a name."""
    form = _name_form(schedule_id)
    try:
        if form.is_valid():
            feed, who = _reading(schedule_id).feed, UUID(form.user_id.data)
            rota_feeds.choose(feed.id, form.label.data or "", who, by=guard.actor(), now=clock.now())
            flash("That name is known now, and its shifts are on the roster.")
            return _back(schedule_id)
    except Refused as refused:
        put_beside(form, refused)
    return _page(schedule_id, FeedForm(formdata=None), 422, named=form)


@blueprint.post("/names/forget")
@guard.requires(Permission.ONCALL_WRITE)
def forget(schedule_id: UUID) -> ResponseReturnValue:
    """Take back who was meant."""
    label = request.form.get("label", "")
    rota_feeds.forget(_reading(schedule_id).feed.id, label, by=guard.actor(), now=clock.now())
    flash("That name is open again.")
    return _back(schedule_id)


@blueprint.get("/remove")
@guard.requires(Permission.ONCALL_WRITE)
def ask_remove(schedule_id: UUID) -> ResponseReturnValue:
    """Ask first: shifts go with it."""
    schedule, _ = rosters.one(schedule_id)
    return render_template("pages/rotas/remove_feed.html", schedule=schedule, reading=_reading(schedule_id))


@blueprint.post("/remove")
@guard.requires(Permission.ONCALL_WRITE)
def remove(schedule_id: UUID) -> ResponseReturnValue:
    """Read it no more."""
    rota_feeds.remove(_reading(schedule_id).feed.id, by=guard.actor(), now=clock.now())
    flash("The calendar is not read any more. Where no rotation follows it, the roster shows a gap.")
    return redirect(url_for("oncall.show"), code=303)


def _reading(schedule_id: UUID) -> Reading:
    found = rota_feeds.of_schedule(schedule_id, now=clock.now())
    if found is None:
        raise NotFound("This roster has no calendar.")
    return found


def _name_form(schedule_id: UUID) -> NameForm:
    form = NameForm()
    form.user_id.choices = {"": "Choose a person"} | {str(one): name for one, name in rosters.one(schedule_id)[1]}
    return form


def _back(schedule_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("rota_feeds.show", schedule_id=schedule_id), code=303)


def _page(schedule_id: UUID, form: FeedForm, status: int, *, named: NameForm | None = None) -> ResponseReturnValue:
    schedule, responders = rosters.one(schedule_id)
    reading = rota_feeds.of_schedule(schedule_id, now=clock.now())
    return (
        render_template(
            "pages/rotas/feed.html",
            schedule=schedule,
            reading=reading,
            form=named or form,
            responders=responders,
            now=clock.now(),
        ),
        status,
    )
