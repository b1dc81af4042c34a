"""The alert on one screen, and the door that a page's own link opens. Looking never changes anything."""

from collections.abc import Callable
from uuid import UUID

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.alerts import WITHOUT_REACHING, Alert, ContactResult, Outcome, Usefulness
from survey.domain.errors import NotFound, Refused, Stale
from survey.domain.stories import CONTACT_WORDS, OUTCOME_WORDS, USEFULNESS_WORDS
from survey.services import access, alert_stories, alerts, doors, promises, responders, stories
from survey.web import guard
from survey.web.forms.alerts import AlertForm, CloseForm, ContactForm, DoorForm, PersonForm

blueprint = Blueprint("alerts", __name__)

OLD_FORM = "That page was out of date. Here is the alert as it stands now."
CHOOSE = "Choose a person. Nobody was paged."


@blueprint.get("/alerts/<uuid:alert_id>")
@guard.requires(Permission.ALERT_READ)
def show(alert_id: UUID) -> ResponseReturnValue:
    """The alert. `outcome` in the address is a choice on its way, not yet recorded."""
    now = clock.now()
    view = alerts.get(alert_id)
    access.note_read("alert.read", alert_id, by=guard.actor(), now=now)
    return render_template(
        "pages/alerts/show.html",
        view=view,
        alert=view.alert,
        case=stories.of_response(view.alert.response_id, now=now),
        story=alert_stories.of_alert(view.alert),
        outcomes=_outcomes(view.alert),
        chosen=_chosen(view.alert),
        promise=promises.look(view.alert),
        people=[one for one in responders.able() if view.holder is None or one.id != view.holder.id],
        helpers=responders.asked(alert_id),
        unreached_rule=current_app.config["UNREACHED_RULE"],
        contacts=CONTACT_WORDS,
        usefulness=USEFULNESS_WORDS,
        now=now,
    )


@blueprint.post("/alerts/<uuid:alert_id>/take")
@guard.requires(Permission.ALERT_TAKE)
def take(alert_id: UUID) -> ResponseReturnValue:
    """I'll take it. The first wins, the others read who did."""
    form = AlertForm()
    return _do(alert_id, form, lambda: alerts.take(alert_id, epoch=form.epoch.data, by=guard.actor(), now=clock.now()))


@blueprint.post("/alerts/<uuid:alert_id>/take-over")
@guard.requires(Permission.ALERT_TAKE)
def take_over(alert_id: UUID) -> ResponseReturnValue:
    """Have it in the place of whoever has it, who is told."""
    form = AlertForm()
    return _do(
        alert_id, form, lambda: alerts.take_over(alert_id, epoch=form.epoch.data, by=guard.actor(), now=clock.now())
    )


@blueprint.post("/alerts/<uuid:alert_id>/reassign")
@guard.requires(Permission.ALERT_TAKE)
def reassign(alert_id: UUID) -> ResponseReturnValue:
    """Page one person now, in the place of whoever has it."""
    form = _person_form()

    def give() -> Alert:
        return responders.reassign(alert_id, to=form.who(), epoch=form.epoch.data, by=guard.actor(), now=clock.now())

    return _do(alert_id, form, give, otherwise=CHOOSE)


@blueprint.post("/alerts/<uuid:alert_id>/responders")
@guard.requires(Permission.ALERT_TAKE)
def add_responder(alert_id: UUID) -> ResponseReturnValue:
    """Page one person too."""
    form = _person_form()

    def add() -> Alert:
        return responders.add(alert_id, form.who(), epoch=form.epoch.data, by=guard.actor(), now=clock.now())

    return _do(alert_id, form, add, otherwise=CHOOSE)


@blueprint.post("/alerts/<uuid:alert_id>/pass-on")
@guard.requires(Permission.ALERT_TAKE)
def pass_on(alert_id: UUID) -> ResponseReturnValue:
    """I can't: page the backup now."""
    form = AlertForm()
    return _do(
        alert_id, form, lambda: alerts.pass_on(alert_id, epoch=form.epoch.data, by=guard.actor(), now=clock.now())
    )


@blueprint.post("/alerts/<uuid:alert_id>/contact")
@guard.requires(Permission.ALERT_CLOSE)
def contact(alert_id: UUID) -> ResponseReturnValue:
    """Reached, voicemail, or no answer."""
    form = ContactForm()

    def note() -> Alert:
        result = ContactResult(form.result.data)
        return alerts.record_contact(alert_id, result=result, epoch=form.epoch.data, by=guard.actor(), now=clock.now())

    return _do(alert_id, form, note)


@blueprint.post("/alerts/<uuid:alert_id>/close")
@guard.requires(Permission.ALERT_CLOSE)
def close(alert_id: UUID) -> ResponseReturnValue:
    """The end: outcome, and whether it was useful."""
    form = CloseForm()

    def end() -> Alert:
        outcome, useful = Outcome(form.outcome.data), Usefulness(form.usefulness.data)
        return alerts.close(
            alert_id, outcome=outcome, usefulness=useful, epoch=form.epoch.data, by=guard.actor(), now=clock.now()
        )

    return _do(alert_id, form, end)


@blueprint.get("/a/<token>")
@guard.public("The link in a page: it tells no health fact and no name of a patient.")
def door(token: str) -> ResponseReturnValue:
    """What is behind a page's link."""
    now = clock.now()
    try:
        found = doors.look(token, now=now)
    except NotFound as unknown:
        return render_template("pages/alerts/unknown.html", message=unknown.message), 404
    return render_template("pages/alerts/door.html", door=found, token=token, now=now)


@blueprint.post("/a/<token>")
@guard.public("Taking is allowed to whoever holds the phone that was paged; the token is the key.")
def take_by_door(token: str) -> ResponseReturnValue:
    """Take the alert as the person whom the page was sent to."""
    form = DoorForm()
    try:
        if form.is_valid():
            chosen = {"epoch": form.epoch.data, "over": bool(form.over.data), "alert_id": form.which()}
            doors.take(token, **chosen, now=clock.now())
    except (Stale, Refused) as refused:
        flash(refused.message)
    except NotFound as unknown:
        return render_template("pages/alerts/unknown.html", message=unknown.message), 404
    return redirect(url_for("alerts.door", token=token), code=303)


def _person_form() -> PersonForm:
    form = PersonForm()
    form.user_id.choices = {"": "Choose a person"} | {str(one.id): one.name for one in responders.able()}
    return form


def _do(alert_id: UUID, form: AlertForm, act: Callable[[], Alert], *, otherwise: str = OLD_FORM) -> ResponseReturnValue:
    """Act, then show the alert as it stands; a refusal is told there in words."""
    try:
        if form.is_valid():
            act()
        else:
            flash(otherwise)
    except (Stale, Refused) as refused:
        flash(refused.message)
    return redirect(url_for("alerts.show", alert_id=alert_id), code=303)


def _outcomes(alert: Alert) -> dict[Outcome, str]:
    """What can be chosen: most outcomes need a patient who was reached."""
    reached = alert.contact_result is ContactResult.REACHED
    return {one: words for one, words in OUTCOME_WORDS.items() if reached or one in WITHOUT_REACHING}


def _chosen(alert: Alert) -> Outcome | None:
    asked = request.args.get("outcome", "")
    return next((one for one in _outcomes(alert) if one.value == asked and alert.contact_result), None)
