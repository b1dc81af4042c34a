"""A rota that is kept elsewhere: who is meant by what stands in its events, and what cannot be told."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

READ_EVERY = timedelta(minutes=15)
STALE = timedelta(days=1)
"""A feed that was not read for so long wants a look."""
NO_TITLE = "(no title)"
_MAILBOX = re.compile(r"[^\s<>,;:()]+@[^\s<>,;:()]+\.\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event of a calendar, as far as it may say who is on call; times in UTC."""

    uid: str
    starts_at: datetime
    ends_at: datetime
    title: str
    mailboxes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What it is called where somebody has to say who is meant."""
        return self.title or next(iter(self.names or self.mailboxes), NO_TITLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Responder:
    """Somebody who may be on call."""

    id: UUID
    name: str
    mailbox: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RotaEntry:
    """One event as it is kept; `user_id` is None until somebody says who is meant."""

    uid: str
    starts_at: datetime
    ends_at: datetime
    label: str
    user_id: UUID | None


class Doubt(StrEnum):
    """Why an entry gives no shift, or not all of one."""

    UNKNOWN = "unknown"
    """Nobody of that name has an account that may be on call."""
    OVERLAP = "overlap"
    """Somebody else has an entry that began before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubtful:
    """Entries with one label that want a look: the first, and how many there are."""

    doubt: Doubt
    label: str
    first: RotaEntry
    count: int


def entry(event: Event, responders: Sequence[Responder], by_hand: Mapping[str, UUID]) -> RotaEntry:
    """The event with whoever is meant: by mailbox, then by the whole name, then by what somebody has said."""
    label = event.label
    return RotaEntry(
        uid=event.uid,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        label=label,
        user_id=_by_mailbox(event, responders) or _by_name(event, responders) or _by_hand(label, responders, by_hand),
    )


def _by_mailbox(event: Event, responders: Iterable[Responder]) -> UUID | None:
    told = {*event.mailboxes, *(found.lower() for found in _MAILBOX.findall(event.title))}
    return _only(one.id for one in responders if one.mailbox.lower() in told)


def _by_name(event: Event, responders: Iterable[Responder]) -> UUID | None:
    """The title first: a manager who made the event is often asked to come as well."""
    responders = tuple(responders)
    titled = _only(one.id for one in responders if _stands_in(one.name, event.title))
    invited = {_plain(name) for name in event.names}
    return titled or _only(one.id for one in responders if _plain(one.name) in invited)


def _by_hand(label: str, responders: Iterable[Responder], by_hand: Mapping[str, UUID]) -> UUID | None:
    return _only(one.id for one in responders if one.id == by_hand.get(label))


def _only(found: Iterable[UUID]) -> UUID | None:
    """The one who is meant; of two, neither for certain."""
    people = set(found)
    return people.pop() if len(people) == 1 else None


def _stands_in(name: str, title: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(_plain(name))}(?!\w)", _plain(title)) is not None


def _plain(words: str) -> str:
    return " ".join(words.split()).casefold()


def doubtful(entries: Iterable[RotaEntry]) -> tuple[Doubtful, ...]:
    """What wants a look, each label once for each reason, the soonest first. `entries` stand in order."""
    found: dict[tuple[Doubt, str], Doubtful] = {}
    last: RotaEntry | None = None
    for one in entries:
        doubt = _doubt(one, last)
        if doubt is not None:
            before = found.get((doubt, one.label))
            first, count = (before.first, before.count) if before else (one, 0)
            found[doubt, one.label] = Doubtful(doubt=doubt, label=one.label, first=first, count=count + 1)
        if one.user_id is not None and (last is None or one.ends_at > last.ends_at):
            last = one
    return tuple(sorted(found.values(), key=lambda one: one.first.starts_at))


def _doubt(one: RotaEntry, last: RotaEntry | None) -> Doubt | None:
    if one.user_id is None:
        return Doubt.UNKNOWN
    overlaps = last is not None and last.user_id != one.user_id and one.starts_at < last.ends_at
    return Doubt.OVERLAP if overlaps else None
