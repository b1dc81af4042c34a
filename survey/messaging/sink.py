"""Where the canary's pages go: nobody's phone. Whatever arrives is answered by a receipt over our own webhook."""

import hashlib
import hmac
import json
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from survey.domain.canary import NAME
from survey.domain.messages import Delivery
from survey.messaging import rest
from survey.messaging.outcomes import VALID_FOR, Attempt, Finding, Lost, Outcome, Trace
from survey.messaging.webhooks import Receipt, Webhook

_BEARER = "Bearer "


class Sink:
    """A provider of texts that is within. `web_url` is where this process reaches the web, `public_url` its name."""

    name = NAME

    def __init__(self, *, web_url: str, public_url: str, secret: str, timeout_s: float) -> None:
        self._receipts_url = f"{web_url}/receipts/{NAME}"
        self._client = rest.Client(timeout_s=timeout_s, bearer=secret, host=urlsplit(public_url).netloc)

    def send(self, to: str, body: str, *, reference: UUID, valid_for: timedelta = VALID_FOR) -> Attempt:
        """Throw the text away, and say by the webhook that it was delivered. The web is a part of what is shown."""
        del to, body, valid_for
        try:
            answer = self._client.post_json(self._receipts_url, {"reference": str(reference)})
        except rest.Unanswered as silence:
            return Attempt(outcome=Outcome.TRY_LATER, provider=self.name, detail=silence.detail)
        outcome = Outcome.ACCEPTED if answer.is_success else Outcome.TRY_LATER
        return Attempt(outcome=outcome, provider=self.name, detail=str(answer.status))

    def find(self, lost: Lost) -> Finding:
        """It keeps nothing."""
        del lost
        return Finding(trace=Trace.UNSURE)

    def close(self) -> None:
        """Hang up."""
        self._client.close()


def secret_of(secret_key: str) -> str:
    """What its receipts carry, so that nobody else can write one: made of a secret that all our processes know."""
    return hmac.new(secret_key.encode(), b"the canary's receipts", hashlib.sha256).hexdigest()


def is_signed(secret: str, webhook: Webhook) -> bool:
    """Whether the sink sent that request; compared in constant time."""
    given = webhook.headers.get("Authorization", "")
    return hmac.compare_digest((_BEARER + secret).encode(), given.encode())


def receipt(body: bytes) -> Receipt:
    """What a receipt says: that it was delivered."""
    try:
        return Receipt(delivery=Delivery.DELIVERED, reference=UUID(str(json.loads(body)["reference"])))
    except (ValueError, KeyError, TypeError):
        return Receipt(delivery=None)
