"""The text at the desk: whether one leaves, and what the desk is told of it while the patient is still there."""

from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from survey.domain import sending_hours
from survey.domain.messages import MessageState
from survey.domain.sites import Site, is_open

LOOK_FOR = timedelta(minutes=2)
"""So long the desk's page looks again by itself."""
SOON = timedelta(minutes=1)
"""A text that has not arrived by then is worth a question to the patient."""


class Skipped(StrEnum):
    """Why no text confirms the number."""

    NO_MOBILE = "no_mobile"
    NO_PROVIDER = "no_provider"
    TODAY = "today"
    """The first check-in is texted today anyway, and a number gets one text a day."""
    NIGHT = "night"
    """The clinic is closed and it is too late, or too early, for the patient."""


SENTENCES = {
    Skipped.NO_PROVIDER: "No text confirms the number now: no provider for texts is set up.",
    Skipped.TODAY: "No other text confirms the number: the check-in itself is texted today.",
    Skipped.NIGHT: "No text confirms the number at this hour.",
}
"""What the desk is told; nothing where there is no number."""


class Progress(StrEnum):
    """How far the text has come, as the desk needs to know it."""

    WAITING = "waiting"
    SENT = "sent"
    """The provider has it; the phone's receipt is awaited."""
    ARRIVED = "arrived"
    FAILED = "failed"
    """It did not arrive: something is wrong with the number."""
    CAPPED = "capped"
    """The number has had its share of texts."""
    DROPPED = "dropped"
    """It was not wanted any more, or too late to be."""


_PROGRESS = {
    MessageState.PENDING: Progress.WAITING,
    MessageState.LEASED: Progress.WAITING,
    MessageState.ACCEPTED: Progress.SENT,
    MessageState.UNKNOWN: Progress.SENT,
    MessageState.DELIVERED: Progress.ARRIVED,
    MessageState.UNDELIVERED: Progress.FAILED,
    MessageState.REFUSED: Progress.FAILED,
    MessageState.CANCELLED: Progress.DROPPED,
}


def skipped(due_at: datetime, *, site: Site, tz: tzinfo, has_provider: bool, now: datetime) -> Skipped | None:
    """Why no text confirms the number now; None when one does. `due_at` is the first survey's, `tz` the patient's."""
    if due_at.astimezone(tz).date() <= now.astimezone(tz).date():
        return Skipped.TODAY
    if not (is_open(site, now) or sending_hours.is_open(now, tz)):
        return Skipped.NIGHT
    return None if has_provider else Skipped.NO_PROVIDER


def progress(state: MessageState, reason: str | None) -> Progress:
    """How far a message in that state has come; `reason` is its code."""
    capped = state is MessageState.CANCELLED and reason == "cap"
    return Progress.CAPPED if capped else _PROGRESS[state]


def is_open_question(progress: Progress) -> bool:
    """Whether a later look may tell more."""
    return progress in (Progress.WAITING, Progress.SENT)
