"""Calls by Twilio's REST API: placed with one POST, led by TwiML from our webhook, and told of when they end."""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl
from uuid import UUID
from xml.sax.saxutils import escape, quoteattr

from survey.domain.messages import Delivery
from survey.messaging import rest
from survey.messaging.outcomes import Attempt, Outcome

RING_S = 25
"""Shorter than most mailboxes wait; whoever does not pick up is called again."""
KEY_WITHIN_S = 6
TIMES = 3
"""So often a call says what it has to say."""
_DELIVERIES: Mapping[str, Delivery] = {
    "queued": Delivery.QUEUED,
    "initiated": Delivery.QUEUED,
    "ringing": Delivery.SENT,
    "in-progress": Delivery.SENT,
    "answered": Delivery.SENT,
    "completed": Delivery.DELIVERED,
    "busy": Delivery.UNDELIVERED,
    "no-answer": Delivery.UNDELIVERED,
    "failed": Delivery.UNDELIVERED,
    "canceled": Delivery.UNDELIVERED,
}


class TwilioVoice:
    """One account and one number to call from. `webhook_url` is where Twilio asks what to say."""

    name = "twilio_voice"

    def __init__(
        self, *, base_url: str, account_sid: str, auth_token: str, sender: str, webhook_url: str, timeout_s: float
    ) -> None:
        self._path = f"{base_url.rstrip('/')}/2010-04-01/Accounts/{account_sid}/Calls.json"
        self._sender, self._webhook_url = sender, webhook_url
        self._client = rest.Client(timeout_s=timeout_s, auth=(account_sid, auth_token))

    def call(self, to: str, *, reference: UUID) -> Attempt:
        """Ring; our webhook leads the call. Never raises for trouble at the provider."""
        address = f"{self._webhook_url}/{reference}"
        return self._place(to, {"Url": address, "Method": "POST", "StatusCallback": f"{address}/status"})

    def read_out(self, to: str, words: str, *, reference: UUID) -> Attempt:
        """Ring, say these words and hang up. Never raises for trouble at the provider."""
        return self._place(to, {"Twiml": say([words] * TIMES)})

    def close(self) -> None:
        """Hang up the connections that are kept open for the next call."""
        self._client.close()

    def _place(self, to: str, about: Mapping[str, str]) -> Attempt:
        form = {"To": to, "From": self._sender, "Timeout": str(RING_S), **about}
        try:
            answer = self._client.post_form(self._path, form)
        except rest.Unanswered as silence:
            return Attempt(outcome=silence.outcome, provider=self.name, detail=silence.detail)
        told, outcome = rest.told(answer), rest.outcome(answer)
        sid = told.get("sid")
        return Attempt(
            outcome=outcome,
            provider=self.name,
            provider_ref=sid if outcome is Outcome.ACCEPTED and isinstance(sid, str) else None,
            detail=str(told.get("code") or answer.status)[:40],
            retry_after_s=rest.retry_after_s(answer),
        )


def say(sentences: Sequence[str]) -> str:
    """TwiML that says these and hangs up."""
    return _response(_spoken(sentences))


def ask(sentence: str, *, action: str) -> str:
    """TwiML that says the sentence over and over, and sends the first key that is pressed to `action`.

    A key has to be pressed: an answering machine presses none.
    """
    gather = f'<Gather input="dtmf" numDigits="1" finishOnKey="" timeout="{KEY_WITHIN_S}" method="POST"'
    asked = f"{gather} action={quoteattr(action)}>{_spoken([sentence] * TIMES)}</Gather>"
    return _response(asked + _spoken(["No key was pressed. Goodbye."]))


def key(body: bytes) -> str:
    """The key that was pressed on a call, by a genuine request; empty when it only asks what to say."""
    return dict(_form(body)).get("Digits", "")[:1]


def delivery(body: bytes) -> Delivery | None:
    """How a call ended, by a genuine request; None for a word that is not known.

    That somebody, or a machine, picked up is all that DELIVERED says.
    """
    return _DELIVERIES.get(dict(_form(body)).get("CallStatus", ""))


def _spoken(sentences: Sequence[str]) -> str:
    return '<Pause length="1"/>'.join(f"<Say>{escape(sentence)}</Say>" for sentence in sentences)


def _response(inside: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>'


def _form(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
