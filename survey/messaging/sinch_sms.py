"""Texts by Sinch's REST API: a batch of one with our reference, by which it is found again; its signed receipts."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from survey.domain.messages import Delivery
from survey.messaging import rest
from survey.messaging.outcomes import VALID_FOR, Attempt, Fault, Finding, Lost, Outcome, Trace
from survey.messaging.webhooks import Receipt, Reply, Webhook

PAGE = 10
SKEW = timedelta(hours=1)
"""How much earlier than our clock says a search begins."""
_FAULTS: Mapping[str, Fault] = {
    "257": Fault.STOPPED,
    "1": Fault.DEAD,  # unknown subscriber
    "5": Fault.DEAD,  # unidentified subscriber
    "11": Fault.DEAD,  # its contract has no texts
}
"""What the number will answer to every text."""
_DELIVERIES: Mapping[str, Delivery] = {
    "queued": Delivery.QUEUED,
    "dispatched": Delivery.SENT,
    "delivered": Delivery.DELIVERED,
    "aborted": Delivery.FAILED,
    "cancelled": Delivery.FAILED,
    "rejected": Delivery.FAILED,
    "deleted": Delivery.FAILED,
    "failed": Delivery.UNDELIVERED,
    "expired": Delivery.UNDELIVERED,
    "unknown": Delivery.SENT,  # it reached the network, which says no more
}


class SinchSms:
    """One service plan and one sender (an E.164 number)."""

    name = "sinch"

    def __init__(
        self, *, base_url: str, plan_id: str, api_token: str, sender: str, receipts_url: str, timeout_s: float
    ) -> None:
        self._path = f"{base_url.rstrip('/')}/xms/v1/{plan_id}/batches"
        self.sender = sender
        self._receipts_url = receipts_url
        self._client = rest.Client(timeout_s=timeout_s, bearer=api_token)

    def send(self, to: str, body: str, *, reference: UUID, valid_for: timedelta = VALID_FOR) -> Attempt:
        """Hand over one text. Never raises for trouble at the provider."""
        batch = {
            "from": self.sender,
            "to": [to],
            "body": body,
            "client_reference": str(reference),
            "delivery_report": "per_recipient",
            "callback_url": self._receipts_url,
            "expire_at": _from_now(max(valid_for, timedelta(seconds=1))),
        }
        try:
            answer = self._client.post_json(self._path, batch)
        except rest.Unanswered as silence:
            return Attempt(outcome=silence.outcome, provider=self.name, detail=silence.detail)
        return self._sort(answer)

    def find(self, lost: Lost) -> Finding:
        """Look for the batch that carries our reference, and for what became of it."""
        wanted = {
            "client_reference": str(lost.reference),
            "start_date": (lost.since - SKEW).isoformat(),
            "page_size": str(PAGE),
        }
        told = self._ask(self._path, wanted)
        listed = told.get("batches", []) if "count" in told else None
        if not isinstance(listed, list):
            return Finding(trace=Trace.UNSURE)
        batch = next((one for one in listed if one.get("client_reference") == str(lost.reference)), None)
        if batch is None:
            # A list that is not empty was not filtered by what we asked for.
            return Finding(trace=Trace.UNSURE if listed else Trace.ABSENT)
        return self._found(str(batch.get("id")))

    def _found(self, batch_id: str) -> Finding:
        told = self._ask(f"{self._path}/{batch_id}/delivery_report", {"type": "full"})
        (status, *_) = told.get("statuses") or [{}]
        return Finding(
            trace=Trace.FOUND,
            provider_ref=batch_id,
            delivery=_DELIVERIES.get(str(status.get("status")).lower(), Delivery.QUEUED),
            fault=_FAULTS.get(str(status.get("code"))),
        )

    def _ask(self, path: str, wanted: Mapping[str, str]) -> dict[str, Any]:
        """The answer to a question; empty when there is none."""
        try:
            answer = self._client.get(path, wanted)
        except rest.Unanswered:
            return {}
        return rest.told(answer) if answer.is_success else {}

    def close(self) -> None:
        """Hang up the connections that are kept open for the next text."""
        self._client.close()

    def _sort(self, answer: rest.Answer) -> Attempt:
        told, outcome = rest.told(answer), rest.outcome(answer)
        reference = told.get("id")
        return Attempt(
            outcome=outcome,
            provider=self.name,
            provider_ref=reference if outcome is Outcome.ACCEPTED and isinstance(reference, str) else None,
            detail=str(told.get("code") or answer.status)[:40],
            retry_after_s=rest.retry_after_s(answer),
        )


def _from_now(left: timedelta) -> str:
    """That time from now by the real clock, which is the provider's too."""
    return (datetime.fromtimestamp(time.time(), UTC) + left).isoformat(timespec="milliseconds")


def signature(secret: str, body: bytes, *, nonce: str, timestamp: str) -> str:
    """What stands in x-sinch-webhook-signature: HMAC-SHA256 over body, nonce and time, with dots between them."""
    signed = b".".join((body, nonce.encode(), timestamp.encode()))
    return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def is_signed(secret: str, webhook: Webhook) -> bool:
    """Whether Sinch signed that request; compared in constant time.

    The time in it is not judged: Sinch repeats for a day, and what is repeated changes nothing.
    """
    mark = "x-sinch-webhook-signature"
    nonce, timestamp = (webhook.headers.get(f"{mark}-{name}", "") for name in ("nonce", "timestamp"))
    right = signature(secret, webhook.body, nonce=nonce, timestamp=timestamp)
    return hmac.compare_digest(right.encode(), webhook.headers.get(mark, "").encode())


def receipt(body: bytes) -> Receipt:
    """What a receipt says, for a recipient or for a whole batch, which has one."""
    told = _object(body)
    statuses = told.get("statuses")
    said = statuses[0] if isinstance(statuses, list) and statuses and isinstance(statuses[0], dict) else told
    return Receipt(
        delivery=_DELIVERIES.get(str(said.get("status")).lower()),
        reference=_uuid(told.get("client_reference")),
        fault=_FAULTS.get(str(said.get("code"))),
    )


def reply(body: bytes) -> Reply | None:
    """The text that a phone sent; None when it is none."""
    told = _object(body)
    sender, sinch_id = told.get("from"), told.get("id")
    if told.get("type") != "mo_text" or not (isinstance(sender, str) and isinstance(sinch_id, str)):
        return None
    return Reply(provider_ref=sinch_id, sender=f"+{sender.lstrip('+')}", body=str(told.get("body") or ""))


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _uuid(given: object) -> UUID | None:
    try:
        return UUID(str(given))
    except ValueError:
        return None
