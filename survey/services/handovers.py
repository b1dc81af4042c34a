"""Handover at the change of a shift: a sheet of everything that is open, which giver and taker sign."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from survey.domain import handovers as rules
from survey.domain.accounts import Actor
from survey.domain.alerts import AlertState
from survey.domain.errors import NotFound, Refused, Stale
from survey.domain.handovers import Boundary, Case, Handover, Sheet, Side
from survey.domain.oncall import Schedule
from survey.services import audit, stories
from survey.store import accounts as account_store
from survey.store import handovers as store
from survey.store import oncall as oncall_store
from survey.store.handovers import Reply, Subject
from survey.store.session import Tx, transaction

AROUND = timedelta(days=32)
"""So far from now the shifts of a change are looked for: a turn may last a month."""
PAGE_SIZE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A case with what the sheet itself must not hold, read at the moment."""

    case: Case
    subject: Subject
    reasons: tuple[str, ...]
    holder: str | None

    @property
    def is_closed_since(self) -> bool:
        """Whether somebody has closed it after the sheet was made."""
        return self.subject.state is AlertState.RESOLVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A sheet to look at, sign or print. `kept` is None while nobody has signed: then it is what is open now.

    `since` are alerts that were opened after it was first signed; `reader` is the side of whoever looks.
    """

    schedule: Schedule
    tz: ZoneInfo
    boundary: Boundary
    giver: str
    taker: str
    kept: Handover | None
    made_at: datetime
    lines: tuple[Line, ...]
    replies: tuple[Reply, ...]
    since: tuple[Line, ...]
    reader: Side | None
    signs_from: datetime

    def may_sign(self, now: datetime) -> bool:
        """Whether the reader's own signature is missing, and its time has come."""
        if self.reader is None or now < self.signs_from:
            return False
        signed = {Side.GIVER: self.kept.given_at, Side.TAKER: self.kept.taken_at} if self.kept else {}
        return signed.get(self.reader) is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Signed sheets of a schedule, the latest first, as (handover, giver, taker)."""

    schedule: Schedule
    tz: ZoneInfo
    rows: tuple[tuple[Handover, str, str], ...]
    total: int
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are; at least one."""
        return max(1, -(-self.total // PAGE_SIZE))


def look(schedule_id: UUID, *, reader_id: UUID | None, now: datetime, at: datetime | None = None) -> Page | None:
    """The sheet of the change `at`, or of the one at hand; None when the rota knows of none. Raises NotFound."""
    with transaction() as tx:
        schedule = oncall_store.get_schedule(tx, schedule_id)
        found = _boundaries(tx, schedule_id, now=now)
        complete = store.complete(tx, schedule_id, since=now - AROUND)
        boundary = _named(found, at) if at else rules.at_hand(found, complete=complete, now=now)
        if boundary is None:
            return None
        kept = store.standing(tx, schedule_id, boundary.at)
        return _page(tx, schedule, kept.boundary if kept else boundary, kept, reader_id=reader_id, now=now)


def get(handover_id: UUID, *, reader_id: UUID | None, now: datetime) -> Page:
    """A sheet that was signed. Raises NotFound."""
    with transaction() as tx:
        kept = store.get(tx, handover_id)
        schedule = oncall_store.get_schedule(tx, kept.schedule_id)
        return _page(tx, schedule, kept.boundary, kept, reader_id=reader_id, now=now)


def past(schedule_id: UUID, *, page: int) -> Past:
    """One page of the signed sheets. Raises NotFound."""
    with transaction() as tx:
        schedule, names = oncall_store.get_schedule(tx, schedule_id), _names(tx)
        found = store.past(tx, schedule_id, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE)
        return Past(
            schedule=schedule,
            tz=ZoneInfo(schedule.zone),
            rows=tuple((one, names[one.giver], names[one.taker]) for one in found),
            total=store.count(tx, schedule_id),
            page=page,
        )


def sign(schedule_id: UUID, at: datetime, *, note: str | None, by: Actor, now: datetime) -> Handover:
    """Sign the sheet of that change as its giver or taker; the first signature keeps it as it stands now.

    The note is the giver's. Raises NotFound when the rota knows of no such change any more, and Refused for anybody
    else, before its time, and for a second signature; Stale when both make the first signature at once.
    """
    words = (note or "").strip() or None
    if words and len(words) > rules.LONGEST_NOTE:
        raise Refused(f"Write at most {rules.LONGEST_NOTE} characters. You wrote {len(words)}.", field="note")
    with transaction() as tx:
        kept = store.standing(tx, schedule_id, at) or _new(tx, schedule_id, at, now=now)
        side = rules.side(kept.boundary, by.id)
        if side is None:
            raise Refused("Only the two whose shifts meet here can sign, each for himself.")
        new = replace(rules.signed(kept, side, now=now), note=words if side is Side.GIVER else None)
        store.insert(tx, new)
        if not store.sign(tx, new, side):
            raise Stale("The other side signed at the same moment. Look at the sheet as it stands now, and sign it.")
        audit.record(tx, f"handover.{_DEEDS[side]}", actor=by, object_id=new.id, now=now, cases=len(new.sheet.cases))
    return new


_DEEDS = {Side.GIVER: "given", Side.TAKER: "taken"}


def _new(tx: Tx, schedule_id: UUID, at: datetime, *, now: datetime) -> Handover:
    boundary = _named(_boundaries(tx, schedule_id, now=now), at)
    sheet = _sheet(tx, now=now)
    return Handover(id=uuid4(), schedule_id=schedule_id, at=at, giver=boundary.giver, taker=boundary.taker, sheet=sheet)


def _sheet(tx: Tx, *, now: datetime) -> Sheet:
    return Sheet(made_at=now, cases=rules.in_order(store.cases(tx)), replies=store.replies(tx))


def _boundaries(tx: Tx, schedule_id: UUID, *, now: datetime) -> tuple[Boundary, ...]:
    return rules.boundaries(oncall_store.shifts(tx, schedule_id, since=now - AROUND, until=now + AROUND))


def _named(found: Iterable[Boundary], at: datetime) -> Boundary:
    named = next((one for one in found if one.at == at), None)
    if named is None:
        raise NotFound("The rota has changed: nobody hands over at that time any more. Open the handover anew.")
    return named


def _page(
    tx: Tx, schedule: Schedule, boundary: Boundary, kept: Handover | None, *, reader_id: UUID | None, now: datetime
) -> Page:
    names, standing = _names(tx), _sheet(tx, now=now)
    sheet = kept.sheet if kept else standing
    known = {one.alert_id for one in sheet.cases}
    later = [one for one in standing.cases if one.alert_id not in known]
    return Page(
        schedule=schedule,
        tz=ZoneInfo(schedule.zone),
        boundary=boundary,
        giver=names[boundary.giver],
        taker=names[boundary.taker],
        kept=kept,
        made_at=sheet.made_at,
        lines=_lines(tx, sheet.cases, names),
        replies=store.received(tx, sheet.replies),
        since=_lines(tx, later, names),
        reader=rules.side(boundary, reader_id),
        signs_from=boundary.at - rules.EARLY,
    )


def _lines(tx: Tx, cases: Iterable[Case], names: Mapping[UUID, str]) -> tuple[Line, ...]:
    listed = tuple(cases)
    subjects = store.subjects(tx, [one.alert_id for one in listed])
    reasons = stories.reasons(tx, [one.response_id for one in subjects.values()])
    return tuple(
        Line(
            case=one,
            subject=subjects[one.alert_id],
            reasons=reasons.get(subjects[one.alert_id].response_id, ()),
            holder=names.get(one.held_by) if one.held_by else None,
        )
        for one in listed
    )


def _names(tx: Tx) -> Mapping[UUID, str]:
    return {one.id: one.name for one in account_store.every(tx)}
