"""Texts that come in by the SMS providers: the signature first, then one row; all else is a worker's."""

from flask import Blueprint, Response

from survey import clock
from survey.services import inbound
from survey.web.guard import public
from survey.web.receipts import SIGNED, genuine_body

blueprint = Blueprint("inbound", __name__, url_prefix="/inbound")

NO_ANSWER = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""TwiML that says nothing: our answer is a message of its own, with receipts and a record."""


@blueprint.post("/sms")
@public(SIGNED)
def sms() -> Response:
    """Twilio's. Answered alike for known and unknown numbers, and for a text that was told of before."""
    inbound.take("twilio", genuine_body("twilio"), now=clock.now())
    return Response(NO_ANSWER, mimetype="text/xml")


@blueprint.post("/sinch")
@public(SIGNED)
def sinch() -> Response:
    """Sinch's, likewise."""
    inbound.take("sinch", genuine_body("sinch"), now=clock.now())
    return Response(status=200)
