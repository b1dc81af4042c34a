"""Swaps: offer a shift of one's own, and answer an offer. Who may do which is decided by whose shift it is."""

from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from survey import clock
from survey.domain.accounts import Permission
from survey.domain.errors import NotFound, Refused
from survey.domain.swaps import Answer
from survey.services import rosters, swaps
from survey.web import guard
from survey.web.forms import put_beside
from survey.web.forms.rotas import OfferForm

blueprint = Blueprint("swaps", __name__, url_prefix="/on-call")

ANSWERED = {
    Answer.ACCEPTED: "The shift is yours. The roster shows it, and pages go by it.",
    Answer.DECLINED: "The offer is declined. The shift stays where it was.",
    Answer.WITHDRAWN: "The offer is withdrawn. The shift stays yours.",
}


@blueprint.get("/schedules/<uuid:schedule_id>/shifts/<uuid:shift_id>/offer")
@guard.requires(Permission.ONCALL_SWAP)
def ask(schedule_id: UUID, shift_id: UUID) -> ResponseReturnValue:
    """One's own shift, and whom to offer it to."""
    return _page(schedule_id, shift_id, _form(schedule_id), 200)


@blueprint.post("/schedules/<uuid:schedule_id>/shifts/<uuid:shift_id>/offer")
@guard.requires(Permission.ONCALL_SWAP)
def offer(schedule_id: UUID, shift_id: UUID) -> ResponseReturnValue:
    """Offer it."""
    form = _form(schedule_id)
    try:
        if form.is_valid():
            swaps.offer(schedule_id, shift_id, UUID(form.user_id.data), by=guard.actor(), now=clock.now())
            flash("The shift is offered, here and by mail. It stays yours until the other side accepts.")
            return redirect(url_for("oncall.show"), code=303)
    except Refused as refused:
        put_beside(form, refused)
    return _page(schedule_id, shift_id, form, 422)


@blueprint.post("/swaps/<uuid:swap_id>/answer")
@guard.requires(Permission.ONCALL_SWAP)
def answer(swap_id: UUID) -> ResponseReturnValue:
    """Accept, decline or withdraw."""
    try:
        given = Answer(request.form.get("answer", ""))
    except ValueError:
        raise NotFound("This is no answer to an offer.") from None
    try:
        swaps.answer(swap_id, given, by=guard.actor(), now=clock.now())
        flash(ANSWERED[given])
    except Refused as refused:
        flash(refused.message)
    return redirect(url_for("oncall.show"), code=303)


def _form(schedule_id: UUID) -> OfferForm:
    form, (_, responders) = OfferForm(), rosters.one(schedule_id)
    others = {str(user_id): name for user_id, name in responders if user_id != guard.person().id}
    form.user_id.choices = {"": "Choose a person"} | others
    return form


def _page(schedule_id: UUID, shift_id: UUID, form: OfferForm, status: int) -> ResponseReturnValue:
    schedule, _ = rosters.one(schedule_id)
    shift = swaps.own_shift(schedule_id, shift_id, by=guard.actor(), now=clock.now())
    tz = ZoneInfo(schedule.zone)
    return render_template("pages/rotas/offer.html", schedule=schedule, shift=shift, tz=tz, form=form), status
