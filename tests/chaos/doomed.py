"""`python -m tests.chaos.doomed before|after`: a sender that kills itself around its first call to the provider."""

import os
import signal
import sys
from datetime import timedelta
from uuid import UUID

from survey.domain.queues import Queue
from survey.messaging.outcomes import VALID_FOR, Attempt
from survey.messaging.twilio_sms import TwilioSms
from survey.services import pages
from survey.settings import load
from workers import wiring
from workers.drain import drain

_send = TwilioSms.send


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _doomed(self: TwilioSms, to: str, body: str, *, reference: UUID, valid_for: timedelta = VALID_FOR) -> Attempt:
    if sys.argv[1] == "after":
        _send(self, to, body, reference=reference, valid_for=valid_for)
    _die()
    raise AssertionError


if __name__ == "__main__":
    TwilioSms.send = _doomed  # type: ignore[method-assign]
    wiring.connect(load(), pool_size=2)
    drain(Queue.PAGING, pages.send_due)
