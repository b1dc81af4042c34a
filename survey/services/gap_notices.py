"""Mails about gaps in a rota, 14, 7, 3 and 1 days before: a row first, then the mail, then the row is closed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from survey.domain import coverage
from survey.domain import oncall as rules
from survey.domain.errors import NotFound
from survey.domain.oncall import Gap, Schedule
from survey.messaging import registry, wordings
from survey.messaging.outcomes import Outcome
from survey.services import channels, oncall
from survey.store import accounts
from survey.store import gap_notices as store
from survey.store import oncall as oncall_store
from survey.store import sites as site_store
from survey.store.gap_notices import Notice
from survey.store.session import Tx, transaction

log = structlog.get_logger()

FARTHEST = timedelta(days=60)
"""So far the end of a gap is looked for."""
AGAIN = timedelta(minutes=5)
"""A mail that surely did not leave, or whose sender died, is tried again so much later."""
REFUSED_AGAIN = timedelta(hours=1)
"""And one that the mail server refused, or for which there is none: somebody may mend that."""
MOST_LINES = 10
EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Since when nobody has a schedule that nobody ever had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mail:
    """What is to be told, and to whom; no transaction is open while it is."""

    notices: tuple[Notice, ...]
    until: datetime
    to: tuple[str, ...]
    words: dict[str, str]


def plan_due(*, now: datetime) -> int:
    """Note every gap whose time has come to be told of; 0, since nothing is left to do after."""
    with transaction() as tx:
        for schedule in oncall_store.schedules(tx):
            for gap in _gaps(tx, schedule, now=now):
                days = coverage.stage(gap.starts_at, now=now)
                if days is not None:
                    store.plan(tx, Notice(schedule_id=schedule.id, starts_at=gap.starts_at, days=days), now=now)
    return 0


def _gaps(tx: Tx, schedule: Schedule, *, now: datetime) -> Iterator[Gap]:
    """Those to come, and the one that has begun with when it did."""
    until = now + FARTHEST
    shifts = oncall_store.shifts(tx, schedule.id, since=now, until=until)
    for gap in rules.gaps(schedule.id, shifts, since=now, until=until):
        if gap.starts_at > now:
            yield gap
            continue
        since = store.last_end(tx, schedule.id, now=now)
        if since is not None or shifts or schedule.id in _paged(tx):
            yield replace(gap, starts_at=since or EVER)


def _paged(tx: Tx) -> set[UUID | None]:
    """Schedules that the policy names: of one that nobody is on yet and nothing names, nobody wants to hear."""
    try:
        return {target.schedule_id for step in oncall.live_policy(tx).steps for target in step.targets}
    except NotFound:
        return set()


def send_due(*, now: datetime) -> int:
    """Mail what is due on one schedule; whether there was anything."""
    with transaction() as tx:
        mine = store.claim(tx, until=now + AGAIN, now=now)
        mail = _mail(tx, mine, until=now + AGAIN, now=now) if mine else None
    if mail is not None:
        outcome = _tell(mail)
        with transaction() as tx:
            _settle(tx, mail, outcome, now=now)
    return int(bool(mine))


def _mail(tx: Tx, mine: Sequence[Notice], *, until: datetime, now: datetime) -> _Mail | None:
    """What still is a gap; the rest is closed, since somebody has filled it or its time is over."""
    schedule = next(one for one in oncall_store.schedules(tx) if one.id == mine[0].schedule_id)
    open_gaps = {gap.starts_at: gap for gap in _gaps(tx, schedule, now=now)}
    store.settle(tx, [one for one in mine if one.starts_at not in open_gaps], until=until, due_at=None, told_at=None)
    notices = tuple(one for one in mine if one.starts_at in open_gaps)
    if not notices:
        return None
    gaps = [open_gaps[at] for at in sorted({one.starts_at for one in notices})]
    sites = site_store.every(tx)
    words = {
        "clinic": sites[0].sms_name if sites else "Daytwo",
        "schedule": schedule.name,
        "gaps": _lines(gaps, ZoneInfo(schedule.zone), now=now),
        "link": f"{registry.public_url()}/on-call",
    }
    return _Mail(notices=notices, until=until, to=_readers(tx, schedule.id, notices), words=words)


def _readers(tx: Tx, schedule_id: UUID, notices: Sequence[Notice]) -> tuple[str, ...]:
    """The owner; the managers as well on the last day, and for a schedule that nobody owns."""
    owner, managers = store.owner(tx, schedule_id), accounts.managers(tx)
    is_last = any(one.days <= coverage.LAST_DAYS for one in notices)
    return tuple(dict.fromkeys((*((owner,) if owner else ()), *(managers if is_last or not owner else ()))))


def _lines(gaps: Sequence[Gap], zone: ZoneInfo, *, now: datetime) -> str:
    told = [
        f"- {wordings.wall_moment(gap.starts_at, zone) if gap.starts_at > now else 'now'} until {_end(gap, zone, now)}"
        for gap in gaps[:MOST_LINES]
    ]
    more = len(gaps) - MOST_LINES
    return "\n".join([*told, *([f"- and {more} more"] if more > 0 else [])])


def _end(gap: Gap, zone: ZoneInfo, now: datetime) -> str:
    if gap.ends_at >= now + FARTHEST:
        return "further on: nobody comes after"
    return wordings.wall_moment(gap.ends_at, zone)


def _tell(mail: _Mail) -> Outcome:
    """The best that came of it: once somebody knows, the same mail every few minutes would teach them to skip it."""
    ends = channels.mail_each(mail.to, "page_gap", mail.words)
    return next((good for good in _BEST_FIRST if good in ends), Outcome.REFUSED)


_BEST_FIRST = (Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.TRY_LATER)


def _settle(tx: Tx, mail: _Mail, outcome: Outcome, *, now: datetime) -> None:
    told = outcome not in (Outcome.TRY_LATER, Outcome.REFUSED)
    due_at = None if told else now + (AGAIN if outcome is Outcome.TRY_LATER else REFUSED_AGAIN)
    if not told:
        log.error("gap_notices.not_told", schedule=str(mail.notices[0].schedule_id), outcome=outcome.value)
    store.settle(tx, mail.notices, until=mail.until, due_at=due_at, told_at=now if told else None)
