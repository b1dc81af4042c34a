"""Who is on call, and how each of them can be reached."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from survey.domain.alerts import Severity


class MethodKind(StrEnum):
    """The ways to a responder that Daytwo can send a page on."""

    APPRISE = "apprise"
    """A push service that the clinic uses already, by its Apprise address."""
    EMAIL = "email"
    SMS = "sms"
    VOICE = "voice"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A responder."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A named roster; `zone` is where its wall clock hangs."""

    id: UUID
    name: str
    zone: str
    owner_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One person on one schedule from `starts_at` up to, not including, `ends_at`."""

    id: UUID
    schedule_id: UUID
    user_id: UUID
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stretch in which nobody is on call on a schedule."""

    schedule_id: UUID
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One way to reach a user; `verified_at` is None until the user has proved to hold it.

    `tested_at` is when the last test page went there, `confirmed_at` when one was last answered. `label` is the user's
    own name for it.
    """

    id: UUID
    user_id: UUID
    kind: MethodKind
    address: str
    label: str | None = None
    verified_at: datetime | None = None
    tested_at: datetime | None = None
    confirmed_at: datetime | None = None
    disabled_at: datetime | None = None
    disabled_reason: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether a page may go there."""
        return self.verified_at is not None and self.disabled_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A user's wish: reach me by this method, so long after the step began."""

    id: UUID
    method_id: UUID
    severity: Severity
    delay_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One page to be planned."""

    user_id: UUID
    method_id: UUID
    delay_s: int


def ways(
    methods: Iterable[Method], rules: Iterable[Rule], severity: Severity, kinds: Collection[MethodKind] = ()
) -> tuple[Way, ...]:
    """How one user is paged: by the user's rules; at once by every live method when no rule names a live one.

    With `kinds`, by methods of those alone; a user who has none of them is paged by what there is.

    Somebody is always reached at once if at all: were every rule to wait, the earliest loses its delay.
    """
    usable = {method.id: method for method in methods if method.is_live}
    live = {key: method for key, method in usable.items() if method.kind in kinds} or usable
    wished = [rule for rule in rules if rule.severity is severity and rule.method_id in live]
    if not wished:
        return tuple(Way(user_id=m.user_id, method_id=m.id, delay_s=0) for m in live.values())
    head_start = min(rule.delay_s for rule in wished)
    return tuple(
        Way(user_id=live[rule.method_id].user_id, method_id=rule.method_id, delay_s=rule.delay_s - head_start)
        for rule in wished
    )


def gaps(schedule_id: UUID, shifts: Iterable[Shift], *, since: datetime, until: datetime) -> tuple[Gap, ...]:
    """Where nobody is on call between two instants; `shifts` are all of that schedule's."""
    found, covered = [], since
    for shift in sorted(shifts, key=lambda shift: shift.starts_at):
        if shift.ends_at <= covered or shift.starts_at >= until:
            continue
        if shift.starts_at > covered:
            found.append(Gap(schedule_id=schedule_id, starts_at=covered, ends_at=shift.starts_at))
        covered = shift.ends_at
    if covered < until:
        found.append(Gap(schedule_id=schedule_id, starts_at=covered, ends_at=until))
    return tuple(found)
