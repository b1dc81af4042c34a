"""Receipts of the SMS provider: the signature first, then what became of one attempt."""

from uuid import UUID

from flask import Blueprint, Response, abort, request

from survey import clock
from survey.services import messages
from survey.web.guard import public

blueprint = Blueprint("receipts", __name__, url_prefix="/receipts")


@blueprint.post("/sms/<uuid:attempt_id>")
@public("The provider's signature on the whole request stands for a sign-in; without it nothing is read.")
def sms(attempt_id: UUID) -> Response:
    """Answers 204 also for a reference that is not ours: who asks learns nothing, and the provider stops repeating."""
    query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
    form = list(request.form.items(multi=True))
    signature = request.headers.get("X-Twilio-Signature", "")
    if not messages.receipt_is_genuine(request.path + query, form, signature=signature):
        abort(403)
    messages.record_receipt(attempt_id, request.form.get("MessageStatus", ""), now=clock.now())
    return Response(status=204)
