"""Texts by Twilio's REST API: sent with one POST, looked for in the list of texts to a number, and their receipts."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from survey.domain.messages import Delivery
from survey.messaging import rest
from survey.messaging.outcomes import VALID_FOR, Attempt, Fault, Finding, Lost, Outcome, Trace
from survey.messaging.webhooks import Receipt, Reply, Webhook

LONGEST_VALIDITY_S = 14_400
PAGE = 100
SKEW = timedelta(minutes=2)
"""How far apart Twilio's clock and ours may be."""
_FAILED_AT_ONCE = {"failed", "undelivered", "canceled"}
_FAULTS: Mapping[str, Fault] = {
    "21610": Fault.STOPPED,
    "21211": Fault.DEAD,  # no such number
    "21265": Fault.DEAD,  # a short code
    "21614": Fault.DEAD,  # not a mobile
    "30004": Fault.DEAD,  # its owner or its network blocks us
    "30005": Fault.DEAD,  # no such subscriber
    "30006": Fault.DEAD,  # a landline
}
"""What the number will answer to every text. 30003 is not among them: a phone that is switched off is no dead one."""
_DELIVERIES: Mapping[str, Delivery] = {
    "accepted": Delivery.QUEUED,
    "scheduled": Delivery.QUEUED,
    "queued": Delivery.QUEUED,
    "sending": Delivery.QUEUED,
    "sent": Delivery.SENT,
    "delivered": Delivery.DELIVERED,
    "read": Delivery.DELIVERED,
    "undelivered": Delivery.UNDELIVERED,
    "failed": Delivery.FAILED,
    "canceled": Delivery.FAILED,
}


class TwilioSms:
    """One account and one sender (an E.164 number, or the MG… id of a messaging service)."""

    name = "twilio"

    def __init__(
        self, *, base_url: str, account_sid: str, auth_token: str, sender: str, receipts_url: str, timeout_s: float
    ) -> None:
        self._path = f"{base_url.rstrip('/')}/2010-04-01/Accounts/{account_sid}/Messages.json"
        self.sender = sender
        self._sender = {"MessagingServiceSid" if sender.startswith("MG") else "From": sender}
        self._receipts_url = receipts_url
        self._client = rest.Client(timeout_s=timeout_s, auth=(account_sid, auth_token))

    def send(self, to: str, body: str, *, reference: UUID, valid_for: timedelta = VALID_FOR) -> Attempt:
        """Hand over one text. Never raises for trouble at the provider."""
        form = {
            "To": to,
            "Body": body,
            "StatusCallback": f"{self._receipts_url}/{reference}",
            "ValidityPeriod": str(min(LONGEST_VALIDITY_S, max(1, int(valid_for.total_seconds())))),
            **self._sender,
        }
        try:
            answer = self._client.post_form(self._path, form)
        except rest.Unanswered as silence:
            return Attempt(outcome=silence.outcome, provider=self.name, detail=silence.detail)
        return self._sort(answer)

    def find(self, lost: Lost) -> Finding:
        """Look for the text among those to its number. Twilio keeps no reference of ours: the words are the mark."""
        try:
            answer = self._client.get(self._path, {"To": lost.to, "PageSize": str(PAGE)})
        except rest.Unanswered:
            return Finding(trace=Trace.UNSURE)
        listed = rest.told(answer).get("messages")
        if not answer.is_success or not isinstance(listed, list):
            return Finding(trace=Trace.UNSURE)
        return _search([one for one in listed if isinstance(one, dict)], lost)

    def close(self) -> None:
        """Hang up the connections that are kept open for the next text."""
        self._client.close()

    def _sort(self, answer: rest.Answer) -> Attempt:
        told, outcome = rest.told(answer), rest.outcome(answer)
        code = str(told.get("code") or told.get("error_code") or answer.status)
        if outcome is Outcome.ACCEPTED and told.get("status") in _FAILED_AT_ONCE:
            outcome = Outcome.REFUSED
        return Attempt(
            outcome=outcome,
            provider=self.name,
            provider_ref=_text(told, "sid") if outcome is Outcome.ACCEPTED else None,
            detail=code[:40],
            retry_after_s=rest.retry_after_s(answer),
            fault=_FAULTS.get(code) if outcome is Outcome.REFUSED else None,
        )


def _search(listed: list[dict[str, Any]], lost: Lost) -> Finding:
    """Ours is told by its words. A text of that time that is nobody's keeps us from saying that ours is absent."""
    if len(listed) >= PAGE and all(_created(one, lost) >= lost.since - SKEW for one in listed):
        return Finding(trace=Trace.UNSURE)
    candidates = [one for one in listed if _may_be(one, lost)]
    for one in candidates:
        if hashlib.sha256(str(one.get("body")).encode()).digest() == lost.body_sha256:
            return _found(one)
    return Finding(trace=Trace.UNSURE if candidates else Trace.ABSENT)


def _may_be(one: Mapping[str, Any], lost: Lost) -> bool:
    ours = str(one.get("direction", "outbound-api")).startswith("outbound") and one.get("sid") not in lost.known
    return ours and lost.since - SKEW <= _created(one, lost) <= lost.until + SKEW


def _created(one: Mapping[str, Any], lost: Lost) -> datetime:
    """When Twilio took the text; the time in question when it does not say."""
    try:
        return parsedate_to_datetime(str(one.get("date_created"))).astimezone(UTC)
    except ValueError:
        return lost.since


def _found(one: Mapping[str, Any]) -> Finding:
    delivery = _DELIVERIES.get(str(one.get("status")), Delivery.QUEUED)
    fault = _FAULTS.get(str(one.get("error_code")))
    return Finding(trace=Trace.FOUND, provider_ref=_text(one, "sid"), delivery=delivery, fault=fault)


def _text(one: Mapping[str, Any], name: str) -> str | None:
    value = one.get(name)
    return value if isinstance(value, str) else None


def signature(auth_token: str, url: str, form: Iterable[tuple[str, str]]) -> str:
    """What stands in X-Twilio-Signature: HMAC-SHA1 over the URL and the form's names and values, sorted.

    Source: Twilio's "Validating requests". SHA-1 is Twilio's choice; as a keyed hash it still holds.
    """
    signed = url + "".join(name + value for name, value in sorted(set(form)))
    return base64.b64encode(hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def is_signed(auth_token: str, webhook: Webhook) -> bool:
    """Whether Twilio signed that request; compared in constant time."""
    given = webhook.headers.get("X-Twilio-Signature", "")
    return hmac.compare_digest(signature(auth_token, webhook.url, _form(webhook.body)).encode(), given.encode())


def receipt(body: bytes) -> Receipt:
    """What a receipt says. Which attempt it is about stands in its address, which is signed."""
    form = dict(_form(body))
    status, error = form.get("MessageStatus", ""), form.get("ErrorCode", "")
    return Receipt(delivery=_DELIVERIES.get(status), fault=_FAULTS.get(error))


def reply(body: bytes) -> Reply | None:
    """The text that a phone sent; None when it is none."""
    form = dict(_form(body))
    sender, sid = form.get("From", ""), form.get("MessageSid", "")
    if not (sender and sid):
        return None
    # Only where Twilio's Advanced Opt-Out is on; then it has answered, and sends no second confirmation.
    told = form.get("OptOutType", "").lower()
    return Reply(
        provider_ref=sid, sender=sender, body=form.get("Body", ""), opt_out_type=told if told in _OPT_OUTS else None
    )


_OPT_OUTS = frozenset({"stop", "start", "help"})


def _form(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
