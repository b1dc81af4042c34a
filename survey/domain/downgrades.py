"""Confirmed events that another version would take less seriously, and the signature that each of them needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from survey.domain.alerts import Outcome
from survey.domain.comparison import Case, Compared, Verdict, compare
from survey.domain.errors import NotFound, Refused
from survey.domain.protocol import Protocol, Tier
from survey.domain.triage import FAULTS

LONGEST_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a signature is bound to: the text (its hash) and the two tiers. Any other needs another signature."""

    sha256: str
    before: Tier
    after: Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who accepted a downgrade, when, and why."""

    by: UUID
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A response whose alert was closed as a confirmed event: about whom, which alert, and how it ended."""

    procedure_id: UUID
    name: str
    performed_on: date
    alert_id: UUID
    short_no: int
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """The most serious that a response ever was, and what another version says of the same answers.

    `after` is None where the other version does not ask at that contact at all. `because` are ids of the rules that
    made it more serious than it would be.
    """

    response_id: UUID
    before: Tier
    after: Tier | None
    because: tuple[str, ...] = ()

    @property
    def is_downgrade(self) -> bool:
        """Whether the other version takes it less seriously."""
        return self.after is not None and self.after.rank < self.before.rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Downgrade:
    """A confirmed event that is listed before a version is published: to be signed, or out of its reach."""

    event: Event
    weighed: Weighed
    sha256: str
    signature: Signature | None = None

    @property
    def terms(self) -> Terms | None:
        """What there is to sign; None for a contact at which the version does not ask."""
        if self.weighed.after is None:
            return None
        return Terms(sha256=self.sha256, before=self.weighed.before, after=self.weighed.after)

    @property
    def is_unsigned(self) -> bool:
        """Whether it stands in the way of publishing."""
        return self.terms is not None and self.signature is None


def weighed(pack: Protocol, scores: Sequence[Case]) -> Weighed:
    """Every score of one response, oldest first, against what `pack` says of the same answers.

    It is a downgrade when the pack is milder at a moment when the response was at its most serious, unless the last
    answers reach that tier all the same. The highest tier that the pack ever gives does not speak against that: each
    form was unfinished once, and no unfinished form is routine.
    """
    response_id, before = scores[0].response_id, Tier.highest(case.before.tier for case in scores)
    try:
        compared = [_judged(pack, case) for case in scores]
    except NotFound:
        return Weighed(response_id=response_id, before=before, after=None)
    milder = [one for one in compared if one.before.tier is before and one.is_downgrade]
    last = compared[-1].after.tier
    if not milder or last.rank >= before.rank:
        return Weighed(response_id=response_id, before=before, after=Tier.highest((before, last)))
    worst = milder[-1]
    return Weighed(response_id=response_id, before=before, after=worst.after.tier, because=worst.because)


def _judged(pack: Protocol, case: Case) -> Compared:
    """What cannot be judged pages nobody, and counts as routine: then it has to be signed. Raises NotFound."""
    pack.touch(case.touch)
    try:
        return compare(pack, case)
    except FAULTS:
        return Compared(case=case, after=Verdict(tier=Tier.ROUTINE, fired={}))


def check_reason(reason: str) -> str:
    """The reason without the spaces around it. Raises Refused without one, and for a long one."""
    said = reason.strip()
    if not said:
        raise Refused("Write why this is acceptable. The reason is kept with your name.", field="reason")
    if len(said) > LONGEST_REASON:
        raise Refused(f"Use at most {LONGEST_REASON} characters; these are {len(said)}.", field="reason")
    return said


def refuse_unsigned(name: str, found: Sequence[Downgrade], *, way_out: str) -> None:
    """Raises Refused while any of them is unsigned; `name` is the version's, and `way_out` says where to sign."""
    count = sum(one.is_unsigned for one in found)
    if count == 1:
        raise Refused(f"{name} would take 1 confirmed event less seriously, and nobody has signed that. {way_out}")
    if count:
        raise Refused(f"{name} would take {count} confirmed events less seriously without a signature. {way_out}")
