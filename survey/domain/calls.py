"""The call list: what a try came to, when the lead decides, and how urgent a silent patient is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from uuid import UUID

from survey.domain.protocol import Context, Flag, Tier
from survey.domain.silence import Silence


class Result(StrEnum):
    """What came of one call."""

    REACHED = "reached"
    VOICEMAIL = "voicemail"
    NO_ANSWER = "no_answer"
    WRONG_NUMBER = "wrong_number"


RESULT_WORDS: Mapping[Result, str] = {
    Result.NO_ANSWER: "No answer",
    Result.VOICEMAIL: "Voicemail",
    Result.WRONG_NUMBER: "Wrong number",
    Result.REACHED: "Reached, without the questions",
}
IN_VAIN = frozenset({Result.VOICEMAIL, Result.NO_ANSWER, Result.WRONG_NUMBER})
MAY_BE_TEXTED = frozenset({Result.VOICEMAIL, Result.NO_ANSWER})
"""Results after which the patient may be told by text that we called."""

TRIES = 2
"""So many tries in vain, each in another half of a day, and the lead decides."""
DOUBLE_TAP = timedelta(minutes=1)
NOON = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call. `half_day` is `2026-03-04 am` or `pm`, on the patient's wall."""

    id: UUID
    invitation_id: UUID
    at: datetime
    by: UUID
    result: Result
    half_day: str
    note: str | None = None


def half_day(instant: datetime, tz: tzinfo) -> str:
    """The half of the patient's day, cut at noon."""
    local = instant.astimezone(tz)
    return f"{local:%Y-%m-%d} {'am' if local.hour < NOON else 'pm'}"


def is_double_tap(new: Attempt, before: Iterable[Attempt]) -> bool:
    """Whether the same person has just noted the same."""
    return any(one.by == new.by and one.result is new.result and new.at - one.at < DOUBLE_TAP for one in before)


def is_for_lead(attempts: Iterable[Attempt], *, sent_back_at: datetime | None) -> bool:
    """Whether enough was tried: in two halves of days, the last time after the lead sent it back, if the lead did."""
    vain = [one for one in attempts if one.result in IN_VAIN]
    halves = {one.half_day for one in vain}
    return len(halves) >= TRIES and (sent_back_at is None or any(one.at > sent_back_at for one in vain))


# ---- how urgent

PRESENT, UNKNOWN = 3, 1
"""What a risk flag weighs that is known to be there, and one that nobody wrote down."""

OF_SILENCE: Mapping[Silence, int] = {
    # Nothing of ours has arrived: the patient has not read what to watch for, nor how to reach us.
    Silence.WRONG_NUMBER: 5,
    Silence.UNDELIVERABLE: 4,
    Silence.OPTED_OUT: 4,
    Silence.SENDING: 4,
    Silence.OPENED_NOT_FINISHED: 3,
    Silence.SENT: 2,
    Silence.LINK_ENDED: 2,
    Silence.DELIVERED_NOT_OPENED: 1,
}
OF_TIER: Mapping[Tier, int] = {Tier.SOON: 8, Tier.URGENT: 16, Tier.EMERGENCY: 24}
"""What the answers that were given so far weigh, where they score above routine."""


def risk(context: Context) -> int:
    """What the flags of one patient weigh."""
    return sum({Flag.YES: PRESENT, Flag.UNKNOWN: UNKNOWN}.get(value, 0) for value in context.values())


def weight(silence: Silence, *, risk: int, tier: Tier | None) -> int:
    """How soon to call, among those who neither are red nor asked for a call: more is sooner."""
    return OF_SILENCE.get(silence, 0) + risk + (OF_TIER.get(tier, 0) if tier else 0)


# ---- the list

ASKED, LEAD = "asked", "lead"
KINDS: Mapping[str, str] = {
    Silence.RED_UNREACHABLE: "Urgent, not reached",
    ASKED: "Asked for a call",
    Silence.WRONG_NUMBER: "Wrong number",
    Silence.UNDELIVERABLE: "Cannot be texted",
    Silence.OPTED_OUT: "No more texts",
    Silence.SENDING: "Could not be sent",
    Silence.OPENED_NOT_FINISHED: "Not finished",
    Silence.SENT: "No receipt",
    Silence.LINK_ENDED: "Link ended",
    Silence.DELIVERED_NOT_OPENED: "Not opened",
    Silence.NOT_DUE: "Not due yet",
}
"""Kind of line → word, as the filter lists them."""

WHY: Mapping[Silence, str] = {
    Silence.RED_UNREACHABLE: "The answers need a clinician now, and nobody picked up",
    Silence.WRONG_NUMBER: "Somebody else has the number",
    Silence.UNDELIVERABLE: "No message gets through",
    Silence.OPTED_OUT: "The patient wants no more texts. Call once to check",
    Silence.SENDING: "The message could not be sent in a day",
    Silence.OPENED_NOT_FINISHED: "Opened the check-in and did not finish",
    Silence.SENT: "Sent, and no receipt came back",
    Silence.LINK_ENDED: "30 days without an answer",
    Silence.DELIVERED_NOT_OPENED: "Delivered, not opened",
    Silence.NOT_DUE: "The check-in is not due yet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What part of the call list is asked for. `kind` is a Silence's value, `asked`, `lead`, or empty for all."""

    site_id: UUID | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One patient to call. `zone` is the patient's clock, `phone` the number to call, if any is left.

    `tier` is what was answered so far, `alert_id` and `promised_at` come from an alert. `is_tried`: in this very half
    of a day.
    """

    invitation_id: UUID
    procedure_id: UUID
    patient_id: UUID
    site_id: UUID
    protocol_version_id: UUID
    given_name: str
    family_name: str
    born_on: date
    language: str
    zone: str
    performed_on: date
    silence: Silence
    trouble: str | None
    call_at: datetime
    asked_call_at: datetime | None
    tier: Tier | None
    is_helped: bool
    helper_may_answer: bool
    risk: int
    phone: str | None
    may_text: bool
    alert_id: UUID | None
    promised_at: datetime | None
    body_sites: tuple[str, ...]
    agents: tuple[str, ...]
    context: Mapping[str, Flag]
    tries: int
    last_result: Result | None
    last_at: datetime | None
    is_tried: bool
    is_for_lead: bool
