"""Pages of a rota: a new roster, a rotation and its end, somebody put on by name and taken off again."""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain import rotation_words
from survey.domain.accounts import Permission
from survey.domain.errors import Refused
from survey.domain.oncall import Schedule
from survey.services import accounts, oncall, rosters, rotas, sites
from survey.web import guard
from survey.web.forms import Form, put_beside
from survey.web.forms.rotas import LastDayForm, OverrideForm, Responders, RotationForm, ScheduleForm

blueprint = Blueprint("rotas", __name__, url_prefix="/on-call")

WALL = "%Y-%m-%dT%H:%M"
"""As a browser writes a day and a time."""


# ---- rosters


@blueprint.get("/schedules/new")
@guard.requires(Permission.ONCALL_WRITE)
def new_schedule() -> ResponseReturnValue:
    """The form for a roster."""
    zone = next((site.zone for site in sites.every()), "")
    return render_template("pages/rotas/schedule.html", form=ScheduleForm(data={"zone": zone}))


@blueprint.post("/schedules/new")
@guard.requires(Permission.ONCALL_WRITE)
def add_schedule() -> ResponseReturnValue:
    """Make a roster."""
    form = ScheduleForm()
    try:
        if form.is_valid():
            new = oncall.add_schedule(form.name.data, form.zone.data, by=guard.actor(), now=clock.now())
            flash("The roster is there. Nobody is on it yet: add a rotation.")
            return redirect(url_for("rotas.new_rotation", schedule_id=new.id), code=303)
    except Refused as refused:
        put_beside(form, refused)
    return render_template("pages/rotas/schedule.html", form=form), 422


# ---- rotations


@blueprint.get("/schedules/<uuid:schedule_id>/rotations/new")
@guard.requires(Permission.ONCALL_WRITE)
def new_rotation(schedule_id: UUID) -> ResponseReturnValue:
    """The form for a rotation."""
    schedule, responders = rosters.one(schedule_id)
    return _rotation_page(schedule, _rotation_form(responders), 200)


@blueprint.post("/schedules/<uuid:schedule_id>/rotations/new")
@guard.requires(Permission.ONCALL_WRITE)
def add_rotation(schedule_id: UUID) -> ResponseReturnValue:
    """Let people take turns."""
    schedule, responders = rosters.one(schedule_id)
    form = _rotation_form(responders)
    try:
        if form.is_valid():
            rotas.add_rotation(form.rotation(schedule_id), by=guard.actor(), now=clock.now())
            flash(f"{form.name.data} is on the roster, and its shifts are written 90 days ahead.")
            return redirect(url_for("oncall.show"), code=303)
    except Refused as refused:
        put_beside(form, refused)
    return _rotation_page(schedule, form, 422)


def _rotation_form(responders: Responders) -> RotationForm:
    form = RotationForm()
    for entry in form.members:
        entry.choices = _people(responders, "Nobody")
    return form


def _rotation_page(schedule: Schedule, form: RotationForm, status: int) -> ResponseReturnValue:
    return render_template("pages/rotas/rotation.html", schedule=schedule, form=form), status


@blueprint.get("/rotations/<uuid:rotation_id>/end")
@guard.requires(Permission.ONCALL_WRITE)
def ask_end(rotation_id: UUID) -> ResponseReturnValue:
    """The rotation in words, and the form for its last day."""
    return _end_page(rotation_id, LastDayForm(), 200)


@blueprint.post("/rotations/<uuid:rotation_id>/end")
@guard.requires(Permission.ONCALL_WRITE)
def end_rotation(rotation_id: UUID) -> ResponseReturnValue:
    """Let a rotation end."""
    form = LastDayForm()
    try:
        if form.is_valid():
            rotas.end_rotation(rotation_id, last_day=form.last_day.data, by=guard.actor(), now=clock.now())
            flash("The rotation ends. Where nobody follows it, the roster shows a gap.")
            return redirect(url_for("oncall.show"), code=303)
    except Refused as refused:
        put_beside(form, refused)
    return _end_page(rotation_id, form, 422)


def _end_page(rotation_id: UUID, form: LastDayForm, status: int) -> ResponseReturnValue:
    rotation = rotas.rotation(rotation_id)
    words = rotation_words.sentences(rotation, accounts.names())
    return render_template("pages/rotas/end.html", rotation=rotation, words=words, form=form), status


# ---- somebody by name


@blueprint.get("/schedules/<uuid:schedule_id>/overrides/new")
@guard.requires(Permission.ONCALL_WRITE)
def new_override(schedule_id: UUID) -> ResponseReturnValue:
    """The form that puts somebody on, filled with the stretch that was chosen."""
    schedule, responders = rosters.one(schedule_id)
    chosen = {"starts_at": _wall(request.args.get("since")), "ends_at": _wall(request.args.get("until"))}
    return _override_page(schedule, _override_form(responders, chosen), 200)


@blueprint.post("/schedules/<uuid:schedule_id>/overrides/new")
@guard.requires(Permission.ONCALL_WRITE)
def add_override(schedule_id: UUID) -> ResponseReturnValue:
    """Put somebody on instead of whoever has that time."""
    schedule, responders = rosters.one(schedule_id)
    form = _override_form(responders)
    if not form.is_valid() or not _put_on(schedule, form):
        return _override_page(schedule, form, 422)
    flash("The roster is changed. Pages go by it from now on.")
    return redirect(url_for("oncall.show"), code=303)


def _put_on(schedule: Schedule, form: OverrideForm) -> bool:
    """Whether it could be done; the reason stands beside its field if not."""
    starts_at, ends_at = form.times(ZoneInfo(schedule.zone))
    who, reason = UUID(form.user_id.data), form.reason.data
    times = {"starts_at": starts_at, "ends_at": ends_at}
    try:
        rotas.add_override(schedule.id, who, **times, reason=reason, by=guard.actor(), now=clock.now())
    except Refused as refused:
        put_beside(form, refused)
        return False
    return True


def _override_form(responders: Responders, chosen: dict[str, datetime | None] | None = None) -> OverrideForm:
    form = OverrideForm(data=chosen)
    form.user_id.choices = _people(responders, "Choose a person")
    return form


def _override_page(schedule: Schedule, form: Form, status: int) -> ResponseReturnValue:
    return render_template("pages/rotas/override.html", schedule=schedule, form=form), status


@blueprint.get("/overrides/<uuid:override_id>/cancel")
@guard.requires(Permission.ONCALL_WRITE)
def ask_cancel(override_id: UUID) -> ResponseReturnValue:
    """Ask first: whoever counts on it is not told by the page."""
    override = rotas.override(override_id, now=clock.now())
    schedule, _ = rosters.one(override.schedule_id)
    tz, who = ZoneInfo(schedule.zone), accounts.names()[override.user_id]
    return render_template("pages/rotas/cancel.html", override=override, schedule=schedule, tz=tz, who=who)


@blueprint.post("/overrides/<uuid:override_id>/cancel")
@guard.requires(Permission.ONCALL_WRITE)
def cancel_override(override_id: UUID) -> ResponseReturnValue:
    """Give the time back to whoever has it by the rota."""
    rotas.cancel_override(override_id, by=guard.actor(), now=clock.now())
    flash("That time goes by the rota again.")
    return redirect(url_for("oncall.show"), code=303)


def _people(responders: Responders, nobody: str) -> dict[str, str]:
    return {"": nobody} | {str(user_id): name for user_id, name in responders}


def _wall(text: str | None) -> datetime | None:
    """A time of the wall from an address; None for anything else."""
    try:
        return datetime.strptime(text or "", WALL)  # noqa: DTZ007 (the wall's own, as the form has it)
    except ValueError:
        return None
