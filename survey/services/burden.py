"""Burden: how many pages a version brings a week and a night, beside the version in force."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import dropwhile
from uuid import UUID

from survey.domain import burden as rules
from survey.domain.burden import Judged, Outlook, Week
from survey.domain.comparison import Tally
from survey.domain.replays import Replay
from survey.domain.versions import Version, VersionState
from survey.services import replays
from survey.store import burden as store
from survey.store import protocols as protocol_store
from survey.store.burden import Asked, StoredWeek
from survey.store.session import Tx, transaction

LOOKED_BACK = timedelta(weeks=rules.JUDGED_WEEKS + rules.WINDOW + 1)

LISTED = 10
"""Rules of a version. Counts are shown however small: whoever may read them may open each alert by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """A rule, how many pages it brought, and how many that is in 100 responses; a page may have several rules."""

    rule: str
    pages: int
    per_hundred: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One version. `weeks` are those that it scored itself, or that its what-if judged; `left_out` the others.

    `outlook` is None while fewer than six weeks have responses. `judged` are all pages of the last weeks beside their
    forecasts, `judged_nights` those that came at night. `paging` are the rules that paged most in the weeks that it
    scored; `changes` what each rule adds by its what-if, or takes away.
    """

    version: Version
    weeks: tuple[Week, ...]
    left_out: int
    outlook: Outlook | None
    judged: tuple[Judged, ...]
    judged_nights: tuple[Judged, ...]
    paging: tuple[Paging, ...]
    changes: tuple[Paging, ...]
    replay: Replay | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Burden:
    """The version that is looked at, and the one in force when that is another."""

    own: Side
    live: Side | None


def look(version: Version, *, site_id: UUID | None = None, now: datetime) -> Burden:
    """What to expect of the version, at one site or at all.

    A what-if does not keep its counts by site: for one site only weeks count that the version scored itself.
    """
    with transaction() as tx:
        published = protocol_store.in_state(tx, VersionState.PUBLISHED)
        live = next((one for one in published if one.slug == version.slug and one.id != version.id), None)
        return Burden(
            own=_side(tx, version, site_id, now),
            live=_side(tx, live, site_id, now) if live else None,
        )


def _side(tx: Tx, version: Version, site_id: UUID | None, now: datetime) -> Side:
    asked = Asked(slug=version.slug, sha256=version.sha256, site_id=site_id)
    replay = replays.latest(tx, version.id, version.sha256) if site_id is None else None
    stored = _begun(store.weeks(tx, asked, since=now - LOOKED_BACK, now=now))
    weeks = tuple(_weeks(stored, replay))
    return Side(
        version=version,
        weeks=weeks,
        left_out=len(stored) - len(weeks),
        outlook=rules.outlook(weeks),
        judged=rules.backtest(weeks, rules.by_day_and_night),
        judged_nights=rules.backtest(weeks, rules.by_night),
        paging=_paging(tx, asked, stored),
        changes=changes(replay.tally) if replay else (),
        replay=replay,
    )


def _begun(weeks: Iterable[StoredWeek]) -> tuple[StoredWeek, ...]:
    """The weeks after the first with anything in it: the one in which a clinic begins is seldom a full one."""
    return tuple(dropwhile(lambda week: not week.invited and not _came(week), weeks))[1:]


def _came(week: StoredWeek) -> int:
    return week.scored + week.scored_otherwise


def _weeks(stored: Iterable[StoredWeek], replay: Replay | None) -> Iterator[Week]:
    for week in stored:
        if not week.scored_otherwise:
            yield _as_week(week, pages=week.pages, night_pages=week.night_pages)
        elif replay is not None and _covers(replay, week.starts_on):
            judged = replay.tally.weeks.get(week.starts_on)
            pages, night_pages = (judged.after, judged.night_after) if judged else (0, 0)
            yield _as_week(week, pages=pages, night_pages=night_pages)


def _covers(replay: Replay, monday: date) -> bool:
    """Whether the what-if read the whole week; a day more than its seven, since sites have zones of their own."""
    return monday + timedelta(days=8) <= replay.asked_at.date()


def _as_week(week: StoredWeek, *, pages: int, night_pages: int) -> Week:
    return Week(
        starts_on=week.starts_on,
        invited=week.invited,
        answered=week.answered,
        pages=pages,
        night_pages=night_pages,
    )


def _paging(tx: Tx, asked: Asked, stored: Sequence[StoredWeek]) -> tuple[Paging, ...]:
    """The rules by which the version paged most in the weeks that a forecast is made of."""
    own = [week for week in stored if week.scored][-rules.WINDOW :]
    found = store.rules(tx, asked, weeks=[week.starts_on for week in own], limit=LISTED)
    return _rated(found, of=sum(week.scored for week in own))


def changes(tally: Tally) -> tuple[Paging, ...]:
    """Pages that each rule adds, or takes away (below zero), the largest change first."""
    net: Counter[str] = Counter()
    for (rule, before, after), number in tally.rules.items():
        net[rule] += number * (after.pages - before.pages)
    ordered = sorted(net.items(), key=lambda one: (-abs(one[1]), one[0]))
    return _rated({rule: pages for rule, pages in ordered if pages}, of=tally.judged)


def _rated(found: Mapping[str, int], *, of: int) -> tuple[Paging, ...]:
    return tuple(Paging(rule=rule, pages=pages, per_hundred=100 * pages / of) for rule, pages in found.items())
