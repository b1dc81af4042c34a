"""The demo's clinic: Riverside, its people, who is on call when, its policy and its protocol."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from survey.domain.accounts import SYSTEM, Actor, ActorKind, Role
from survey.domain.escalation import Target
from survey.domain.oncall import Shift
from survey.domain.rotations import Rotation, Unit
from survey.domain.sites import Site
from survey.interop import pack_files
from survey.services import accounts, oncall, rotas, sites, versions
from survey.settings import ROOT
from survey.store import accounts as account_store
from survey.store import oncall as store
from survey.store import rotas as rota_store
from survey.store.session import Tx, transaction

NAME, SLUG, PHONE = "Riverside Pain Clinic", "riverside", "+12025550199"
PROTOCOL = "trigger-point-injection"
"""What its patients have had."""
POLICY = ROOT / "config/escalation/default.yaml"
PASSWORD = "seven lamps by the river"  # noqa: S105 (printed for everybody: it opens invented data only)

ZONES = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
    "Pacific/Pago_Pago",
    "Pacific/Guam",
    "Asia/Manila",
    "Asia/Kolkata",
    "Asia/Dubai",
    "Europe/Madrid",
    "Atlantic/Azores",
)
"""Somewhere among them it is always between 10:00 and 17:00, so that the demo may text at once."""
EARLIEST, LATEST = time(10, 5), time(16)

PRIMARY, BACKUP = "primary", "backup"
HANDOVER = time(8)
"""On Mondays, on the clinic's wall."""
SHIFTS_BACK = timedelta(days=98)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One of the clinic's people. `pager` is where pages go."""

    email: str
    name: str
    role: Role
    pager: str | None = None
    what: str


STAFF = Member(email="sam@example.org", name="Sam Sampleton", role=Role.STAFF, what="staff at the desk")
ANA = Member(
    email="ana@example.org", name="Ana Fableton", role=Role.CLINICIAN, pager="+12025550101", what="clinician on call"
)
BEN = Member(
    email="ben@example.org", name="Ben Mockridge", role=Role.CLINICIAN, pager="+12025550102", what="the backup"
)
LENA = Member(
    email="lena@example.org", name="Lena Storystone", role=Role.MANAGER, pager="+12025550103", what="clinical lead"
)
ADMIN = Member(email="root@example.org", name="Rae Testwood", role=Role.ADMIN, what="system admin, sees no patient")
TEAM = (STAFF, ANA, BEN, LENA, ADMIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Riverside:
    """The clinic as it stands in the database. `people`: mailbox → account; `schedules`: name → id."""

    site: Site
    protocol: str
    people: dict[str, UUID]
    schedules: dict[str, UUID]

    def actor(self, member: Member) -> Actor:
        """That person, acting."""
        return Actor(kind=ActorKind.USER, id=self.people[member.email], role=member.role)

    def on_call(self, target: Target, at: datetime) -> UUID:
        """Whom a target of the policy means at an instant, by the clinic's own rotation."""
        if target.user_id is not None:
            return target.user_id
        here, there = rotation(self.site.tz, at)
        return self.people[(here if target.schedule_id == self.schedules[PRIMARY] else there).email]


def zone(now: datetime) -> str:
    """The first of `ZONES` where it is office time now."""
    return next(
        (name for name in ZONES if EARLIEST <= now.astimezone(ZoneInfo(name)).time() <= LATEST), "America/New_York"
    )


def rotation(tz: ZoneInfo, at: datetime) -> tuple[Member, Member]:
    """Primary and backup at an instant: the two clinicians change places each week."""
    week = (at.astimezone(tz) - timedelta(hours=HANDOVER.hour)).date()
    return (ANA, BEN) if (week.toordinal() - 1) // 7 % 2 == 0 else (BEN, ANA)


def settle(now: datetime) -> Riverside:
    """The clinic, made as far as it is not there yet; its people take turns from now on."""
    site = _site(now)
    people = _people(now)
    schedules = {schedule.name: schedule.id for schedule in oncall.schedules()}
    for name in (PRIMARY, BACKUP):
        if name not in schedules:
            schedules[name] = oncall.add_schedule(name, site.zone, by=SYSTEM, now=now).id
    riverside = Riverside(site=site, protocol=PROTOCOL, people=people, schedules=schedules)
    # The one protocol that its past is told in; a second would take as long again to prove before the first page.
    for path in (one for one in pack_files.every(pack_files.FOLDER) if one.parent.name == PROTOCOL):
        text = path.read_text(encoding="utf-8")
        author, approver = riverside.actor(ANA), riverside.actor(LENA)
        versions.publish_file(text, name=path.name, author=author, approver=approver, now=now)
    with transaction() as tx:
        _fill(tx, riverside, now)
    _take_turns(riverside, now)
    oncall.publish_policy(POLICY.read_text(encoding="utf-8"), name=POLICY.name, by=SYSTEM, now=now)
    return riverside


def _site(now: datetime) -> Site:
    standing = sites.every()
    if standing:
        return standing[0]
    new = Site(
        id=uuid4(),
        slug=SLUG,
        name=NAME,
        sms_name="Riverside Clinic",
        zone=zone(now),
        phone=PHONE,
        emergency_number="911",
        opens=time(8),
        closes=time(18),
        workdays=(1, 2, 3, 4, 5),
    )
    sites.add(new, by=SYSTEM, now=now)
    return new


def _people(now: datetime) -> dict[str, UUID]:
    with transaction() as tx:
        known = {one.email: one.id for one in account_store.every(tx)}
    for one in TEAM:
        if one.email not in known:
            known[one.email] = accounts.create_user(
                one.email, one.name, one.role, PASSWORD, by=SYSTEM, now=now, pager=one.pager, vouched=True
            )
    return known


def _fill(tx: Tx, riverside: Riverside, now: datetime) -> None:
    """Put people on both schedules from where the invented history begins until now; what stands is left alone."""
    for starts_at, ends_at in _weeks(riverside.site.tz, now):
        for name, member in zip((PRIMARY, BACKUP), rotation(riverside.site.tz, starts_at), strict=True):
            schedule_id = riverside.schedules[name]
            if not store.shifts(tx, schedule_id, since=starts_at, until=ends_at):
                user_id = riverside.people[member.email]
                store.insert_shift(
                    tx,
                    Shift(id=uuid4(), schedule_id=schedule_id, user_id=user_id, starts_at=starts_at, ends_at=ends_at),
                )


def _weeks(tz: ZoneInfo, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    day = (now - SHIFTS_BACK).astimezone(tz).date()
    day -= timedelta(days=day.weekday())
    while _handover(day, tz) < now:
        yield _handover(day, tz), min(now, _handover(day + timedelta(days=7), tz))
        day += timedelta(days=7)


def _take_turns(riverside: Riverside, now: datetime) -> None:
    """The two clinicians change places each week, on both schedules; where they do already, that is left alone."""
    pair = rotation(riverside.site.tz, now)
    for name, members in ((PRIMARY, pair), (BACKUP, pair[::-1])):
        with transaction() as tx:
            stands = rota_store.rotations(tx, riverside.schedules[name])
        if not stands:
            turns = Rotation(
                id=uuid4(),
                schedule_id=riverside.schedules[name],
                layer=1,
                name="Week about",
                starts_local=_last_handover(riverside.site.tz, now),
                unit=Unit.WEEK,
                every=1,
                members=tuple(riverside.people[member.email] for member in members),
            )
            rotas.add_rotation(turns, by=riverside.actor(LENA), now=now)


def _last_handover(tz: ZoneInfo, now: datetime) -> datetime:
    """The Monday's on the wall that the present turn began with."""
    day = (now.astimezone(tz) - timedelta(hours=HANDOVER.hour)).date()
    return datetime.combine(day - timedelta(days=day.weekday()), HANDOVER)


def _handover(day: date, tz: ZoneInfo) -> datetime:
    return datetime.combine(day, HANDOVER, tzinfo=tz)
