"""Receipts of the SMS providers: the signature first, then what became of one attempt."""

from uuid import UUID

from flask import Blueprint, Response, abort, request

from survey import clock
from survey.services import receipts
from survey.web.guard import public

blueprint = Blueprint("receipts", __name__, url_prefix="/receipts")

SIGNED = "The provider's signature on the whole request stands for a sign-in; without it nothing is read."


@blueprint.post("/sms/<uuid:attempt_id>")
@public(SIGNED)
def sms(attempt_id: UUID) -> Response:
    """Twilio's. Answers 204 also for a reference that is not ours: who asks learns nothing, and repeating stops."""
    receipts.take("twilio", genuine_body("twilio"), attempt_id=attempt_id, now=clock.now())
    return Response(status=204)


@blueprint.post("/sinch")
@public(SIGNED)
def sinch() -> Response:
    """Sinch's, which name our reference in the signed body; answered alike."""
    receipts.take("sinch", genuine_body("sinch"), now=clock.now())
    return Response(status=204)


@blueprint.post("/canary")
@public(SIGNED)
def canary() -> Response:
    """The canary's, by which its pages come back through the web."""
    receipts.take("canary", genuine_body("canary"), now=clock.now())
    return Response(status=204)


def genuine_body(provider: str) -> bytes:
    """The body of a request that the provider signed; ends any other with 403."""
    query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
    body = request.get_data(cache=False)
    if not receipts.is_genuine(provider, request.path + query, request.headers, body):
        abort(403)
    return body
