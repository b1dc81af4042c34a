"""Calls to clinicians: the provider asks what to say, tells which key was pressed, and how each call ended."""

from uuid import UUID

from flask import Blueprint, Response, request

from survey import clock
from survey.services import voice
from survey.web.guard import public
from survey.web.receipts import SIGNED, genuine_body

blueprint = Blueprint("voice", __name__, url_prefix="/voice/twilio")


@blueprint.post("/<uuid:attempt_id>")
@public(SIGNED)
def lead(attempt_id: UUID) -> Response:
    """What to say next. The address carries the epoch of the question that was heard, and is signed with the rest."""
    body = genuine_body("twilio")
    told = voice.lead(attempt_id, body, epoch=request.args.get("epoch", type=int), now=clock.now())
    return Response(told, mimetype="text/xml")


@blueprint.post("/<uuid:attempt_id>/status")
@public(SIGNED)
def ended(attempt_id: UUID) -> Response:
    """How it ended; answered alike for a call that is not ours."""
    voice.ended(attempt_id, genuine_body("twilio"), now=clock.now())
    return Response(status=204)
