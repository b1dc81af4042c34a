"""The texts that patients sent, as staff see to them: open until somebody says done."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from survey.domain import keywords, stories
from survey.domain.accounts import Actor
from survey.domain.errors import Refused
from survey.domain.inbound import LONGEST_NOTE, Inbound
from survey.domain.keywords import Meaning
from survey.domain.patients import Procedure
from survey.domain.sites import Site
from survey.domain.stories import Moment
from survey.services import audit
from survey.store import inbound as inbound_store
from survey.store import replies as store
from survey.store import sites as site_store
from survey.store.replies import Answer, Counts, OpenAlert, Received, Sender
from survey.store.session import Tx, transaction

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One text. `waits` is how long it has been here; `may_opt_out`: it may ask for an end of the texts."""

    inbound: Inbound
    site: Site | None
    senders: tuple[Sender, ...]
    answers: tuple[Answer, ...]
    alerts: tuple[OpenAlert, ...]
    done_name: str | None
    waits: timedelta

    @property
    def may_opt_out(self) -> bool:
        """Whether staff should also ask themselves if it wants an end of the texts."""
        return self.inbound.meaning is Meaning.TEXT and keywords.may_opt_out(self.inbound.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replies:
    """One page of texts, and how many there are."""

    rows: tuple[Row, ...]
    counts: Counts
    total: int
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are; at least one."""
        return max(1, -(-self.total // PAGE_SIZE))


def look(*, site_id: UUID | None, done: bool, page: int, now: datetime) -> Replies:
    """The `page`th page of what is open, or of what was seen to."""
    with transaction() as tx:
        counts = store.counts(tx, site_id=site_id)
        found = store.page(tx, site_id=site_id, done=done, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE)
        ids = [one.inbound.id for one in found]
        about = _About(
            senders=store.senders(tx, ids),
            answers=store.answers(tx, ids),
            alerts={} if done else store.alerts(tx, ids),
            sites={site.id: site for site in site_store.every(tx)},
        )
    rows = tuple(_row(one, about, now=now) for one in found)
    return Replies(rows=rows, counts=counts, total=counts.done if done else counts.open, page=page)


def open_count() -> int:
    """How many texts wait for a person."""
    with transaction() as tx:
        return store.open_count(tx)


def close(inbound_id: UUID, *, note: str | None, by: Actor, now: datetime) -> bool:
    """A member of staff has seen to it; False when somebody had before. Raises NotFound, Refused for a long note."""
    if by.id is None:
        raise ValueError("a reply is seen to by a person")
    words = (note or "").strip()
    if len(words) > LONGEST_NOTE:
        raise Refused(f"Write at most {LONGEST_NOTE} characters. You wrote {len(words)}.", field="note")
    with transaction() as tx:
        inbound_store.get(tx, inbound_id)
        closed = store.close(tx, inbound_id, by=by.id, note=words or None, now=now)
        if closed:
            audit.record(tx, "inbound.closed", actor=by, object_id=inbound_id, now=now)
    return closed


def told(tx: Tx, procedure: Procedure) -> Iterable[Moment]:
    """What the patient, or whoever shares the number, texted since the procedure, and what we answered."""
    found = store.of_patient(tx, procedure.patient_id, since=procedure.performed_on)
    answers = store.answers(tx, [one.inbound.id for one in found])
    for one in found:
        yield from stories.of_reply(one.inbound, done_by=one.done_name)
        for sent in answers.get(one.inbound.id, ()):
            yield stories.of_message(sent.kind, channel="sms", state=sent.state, at=sent.at, late=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _About:
    """What is known around the texts of one page, by their ids; the sites by their own."""

    senders: Mapping[UUID, tuple[Sender, ...]]
    answers: Mapping[UUID, tuple[Answer, ...]]
    alerts: Mapping[UUID, tuple[OpenAlert, ...]]
    sites: Mapping[UUID, Site]


def _row(one: Received, about: _About, *, now: datetime) -> Row:
    inbound = one.inbound
    return Row(
        inbound=inbound,
        site=about.sites.get(inbound.site_id) if inbound.site_id else None,
        senders=about.senders.get(inbound.id, ()),
        answers=about.answers.get(inbound.id, ()),
        alerts=about.alerts.get(inbound.id, ()),
        done_name=one.done_name,
        waits=now - inbound.received_at,
    )
