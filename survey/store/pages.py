"""The outbox of pages, and every try to hand one over."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from functools import partial
from uuid import UUID

import sqlalchemy as sa
from psycopg.types.json import Jsonb
from sqlalchemy.dialects import postgresql as pg

from survey.domain.alerts import AlertState
from survey.domain.messages import Delivery
from survey.domain.oncall import MethodKind
from survey.domain.pages import AttemptOutcome, Page, PageKind, PageState
from survey.store.accounts import app_user
from survey.store.alerts import alert
from survey.store.base import Row, identifier, instant, metadata, names
from survey.store.oncall import contact_method
from survey.store.session import Tx

page = sa.Table(
    "page",
    metadata,
    identifier(primary_key=True),
    identifier("alert_id", sa.ForeignKey("alert.id"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("cycle", sa.Integer, nullable=False),
    sa.Column("step_seq", sa.Integer, nullable=False),
    identifier("user_id", nullable=False),
    identifier("contact_method_id", nullable=False),
    sa.Column("rule_delay_s", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    instant("not_before", nullable=False),
    instant("give_up_at", nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("maybe_sent", sa.SmallInteger, nullable=False),
    identifier("lease_token"),
    instant("lease_until"),
    instant("sent_at"),
    identifier("bundled_in"),
    sa.Column("goes_alone", sa.Boolean, nullable=False),
)

page_attempt = sa.Table(
    "page_attempt",
    metadata,
    identifier(primary_key=True),
    identifier("page_id", sa.ForeignKey("page.id"), nullable=False),
    sa.Column("attempt_no", sa.Integer, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    identifier("lease_token", nullable=False),
    instant("started_at", nullable=False),
    instant("finished_at"),
    sa.Column("ack_token_sha256", pg.BYTEA),
    sa.Column("outcome", sa.Text),
    sa.Column("provider_ref", sa.Text),
    sa.Column("detail", sa.Text),
    sa.Column("delivery", sa.Text),
    sa.Column("delivery_rank", sa.SmallInteger, nullable=False),
    instant("delivery_at"),
)

_DUMPS = partial(json.dumps, default=str)
"""Ids and instants as PostgreSQL reads them."""

# A page is wanted while its alert stands where it stood when the page was planned; an answer tells how it stands now.
WANTED = f"""(page.kind = '{PageKind.ANSWER}' OR page.epoch = alert.epoch AND (page.kind, alert.state) IN (
    ('{PageKind.CALL}', '{AlertState.TRIGGERED}'), ('{PageKind.NUDGE}', '{AlertState.ACKNOWLEDGED}'),
    ('{PageKind.HELP}', '{AlertState.ACKNOWLEDGED}')))"""

_PLAN = """
INSERT INTO page (id, alert_id, kind, epoch, cycle, step_seq, user_id, contact_method_id, rule_delay_s, state,
  not_before, give_up_at, attempts, maybe_sent)
SELECT * FROM jsonb_to_recordset(%(pages)s) AS new (
  id uuid, alert_id uuid, kind text, epoch int, cycle int, step_seq int, user_id uuid, contact_method_id uuid,
  rule_delay_s int, state text, not_before timestamptz, give_up_at timestamptz, attempts int, maybe_sent smallint)
ON CONFLICT ON CONSTRAINT plan_once DO NOTHING
"""
_DUE_FIRST = """
SELECT {names}, method.kind AS method, method.address, alert.short_no AS alert_no, site.sms_name AS clinic,
  method.disabled_at IS NULL AND method.verified_at IS NOT NULL AS reachable
FROM page
JOIN alert ON alert.id = page.alert_id
JOIN site ON site.id = alert.site_id
JOIN contact_method method ON method.id = page.contact_method_id
WHERE page.state = 'pending' AND page.not_before <= %(now)s AND {wanted}
ORDER BY page.cycle, page.step_seq, page.not_before
LIMIT 1 FOR UPDATE OF page SKIP LOCKED
"""
_LEASE = """
WITH mine AS (
  UPDATE page
  SET state = %(state)s, attempts = %(attempts)s, lease_token = %(lease_token)s, lease_until = %(lease_until)s
  WHERE id = %(id)s AND state = 'pending'
  RETURNING id)
INSERT INTO page_attempt (id, page_id, attempt_no, provider, lease_token, started_at, ack_token_sha256)
SELECT %(attempt_id)s, id, %(attempts)s, '', %(lease_token)s, %(now)s, %(token_sha256)s FROM mine
"""
_EXPIRED = f"""
SELECT {names(page)} FROM page WHERE state = 'leased' AND lease_until <= %(now)s ORDER BY lease_until LIMIT 100
"""  # noqa: S608 (no value in it)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A page to be sent, and what the sending needs. `reachable` is false when the phone was put away since.

    `alerts` is how many alerts its text is about.
    """

    page: Page
    method: MethodKind
    address: str
    reachable: bool
    alert_no: int
    clinic: str
    alerts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What the provider said to one try."""

    provider: str
    provider_ref: str | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A page as the alert's story shows it: to whom, by what, and what came of it."""

    page: Page
    user_name: str
    method: MethodKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The page whose link was opened, and when that copy of it was sent."""

    page: Page
    sent_at: datetime


def insert(tx: Tx, new: Sequence[Page]) -> None:
    """Add pages, each once however often the step is fired."""
    if not new:
        return
    tx.change(_PLAN, {"pages": Jsonb([asdict(one) for one in new], dumps=_DUMPS)})


def due_first(tx: Tx, *, now: datetime) -> Due | None:
    """The wanted page that is due, held against other senders: an alert's first page goes before another's repeat."""
    row = tx.fetch(_DUE_FIRST.format(wanted=WANTED, names=names(page)), {"now": now})
    if row is None:
        return None
    told = ("address", "reachable", "alert_no", "clinic")
    return Due(page=as_page(row), method=MethodKind(row["method"]), **{name: row[name] for name in told})


def swap(tx: Tx, old: Page, new: Page) -> bool:
    """Put `new` where `old` stands, in the same hands; False when it does not stand there any more."""
    same = (page.c.id == old.id) & (page.c.state == old.state)
    mine = page.c.lease_token.is_not_distinct_from(old.lease_token)
    leased = ("attempts", "maybe_sent", "lease_token", "lease_until", "sent_at")
    moved = ("state", "not_before", "bundled_in", "goes_alone", *leased)
    changed = {name: getattr(new, name) for name in moved}
    return tx.run(sa.update(page).where(same, mine).values(**changed)).rowcount == 1


def expired(tx: Tx, *, now: datetime) -> tuple[Page, ...]:
    """Pages whose sender counts as dead."""
    return tuple(as_page(row) for row in tx.rows(_EXPIRED, {"now": now}))


def supersede(tx: Tx, alert_id: UUID) -> int:
    """Put away what nobody wants any more of an alert that has just changed; how many pages that were."""
    unwanted = (page.c.alert_id == alert.c.id) & (alert.c.id == alert_id) & (page.c.state == PageState.PENDING)
    return _put_away(tx, unwanted & sa.text(f"NOT ({WANTED})"))


def supersede_nudges(tx: Tx, alert_id: UUID) -> int:
    """Put away the nudges of an alert whose patient was tried; how many pages that were."""
    nudges = (page.c.alert_id == alert_id) & (page.c.state == PageState.PENDING) & (page.c.kind == PageKind.NUDGE)
    return _put_away(tx, nudges)


def answers_about(tx: Tx, alert_id: UUID) -> int:
    """How many answers about that alert were planned so far; the number of the next one."""
    theirs = (page.c.alert_id == alert_id) & (page.c.kind == PageKind.ANSWER)
    return int(tx.run(sa.select(sa.func.count()).select_from(page).where(theirs)).scalar_one())


def last_nudge(tx: Tx, alert_id: UUID) -> datetime | None:
    """When whoever has the alert was last to be reminded of it."""
    nudges = sa.select(sa.func.max(page.c.not_before)).where(page.c.alert_id == alert_id, page.c.kind == PageKind.NUDGE)
    at: datetime | None = tx.run(nudges).scalar_one()
    return at


def supersede_stuck(tx: Tx, alert_id: UUID, *, method_ids: Sequence[UUID], now: datetime) -> int:
    """Put away what should have reached these phones by now: a newer page is on its way there."""
    waiting = (page.c.alert_id == alert_id) & (page.c.state == PageState.PENDING)
    stuck = waiting & ((page.c.attempts > 0) | (page.c.not_before <= now))
    return _put_away(tx, stuck & page.c.contact_method_id.in_(method_ids))


def any_live(tx: Tx, one: Page) -> bool:
    """Whether another page of the same firing of the same step is on its way or may have arrived.

    That a mailbox or a push service has it says nothing: nobody tells what became of it there.
    """
    siblings = sa.and_(
        *(page.c[name] == getattr(one, name) for name in ("alert_id", "kind", "epoch", "cycle", "step_seq"))
    )
    dead = page.c.state.in_([PageState.FAILED, PageState.UNDELIVERED, PageState.SUPERSEDED])
    mute = contact_method.c.kind.in_([MethodKind.APPRISE, MethodKind.EMAIL]) & (page.c.state == PageState.ACCEPTED)
    live = siblings & (page.c.id != one.id) & sa.not_(dead) & sa.not_(mute)
    found = sa.select(page.c.id).join(contact_method, contact_method.c.id == page.c.contact_method_id).where(live)
    return bool(tx.run(sa.select(found.exists())).scalar_one())


def lease(tx: Tx, mine: Page, *, attempt_id: UUID, token_sha256: bytes | None, now: datetime) -> bool:
    """Take a pending page in hand and note that a try begins; False when it is not pending any more.

    The id of the try is our reference at the provider.
    """
    values = {name: getattr(mine, name) for name in ("id", "state", "attempts", "lease_token", "lease_until")}
    return tx.change(_LEASE, {**values, "attempt_id": attempt_id, "token_sha256": token_sha256, "now": now}) == 1


def finish_attempt(
    tx: Tx, leased: Page, outcome: AttemptOutcome, *, came: Came | None, now: datetime
) -> Delivery | None:
    """Note how the try under this lease ended; an answer that comes late takes the place of `lease_expired`.

    What a receipt has said of it already.
    """
    mine = (page_attempt.c.page_id == leased.id) & (page_attempt.c.lease_token == leased.lease_token)
    ended = {"outcome": outcome, "finished_at": now}
    if came is not None:
        ended |= {"provider": came.provider, "provider_ref": came.provider_ref, "detail": came.detail}
    noted = sa.update(page_attempt).where(mine).values(**ended).returning(page_attempt.c.delivery)
    said = tx.run(noted).scalar_one_or_none()
    return Delivery(said) if said else None


def opened(tx: Tx, token_sha256: bytes) -> Opened | None:
    """The page that a link belongs to; every copy of a page has a link of its own, and all of them open it."""
    query = sa.select(page, page_attempt.c.started_at).join_from(page, page_attempt)
    row = tx.run(query.where(page_attempt.c.ack_token_sha256 == token_sha256)).mappings().one_or_none()
    return Opened(page=as_page(row), sent_at=row["started_at"]) if row else None


def of_attempt(tx: Tx, attempt_id: UUID) -> Opened | None:
    """The page that a try was about, by our reference at the provider."""
    query = sa.select(page, page_attempt.c.started_at).join_from(page, page_attempt)
    row = tx.run(query.where(page_attempt.c.id == attempt_id)).mappings().one_or_none()
    return Opened(page=as_page(row), sent_at=row["started_at"]) if row else None


def get(tx: Tx, page_id: UUID) -> Page:
    """That page."""
    return as_page(tx.run(sa.select(page).where(page.c.id == page_id)).mappings().one())


def of_alert(tx: Tx, alert_id: UUID) -> tuple[Told, ...]:
    """All pages of an alert, in the order in which they were due."""
    joined = page.join(contact_method, contact_method.c.id == page.c.contact_method_id)
    joined = joined.join(app_user, app_user.c.id == page.c.user_id)
    query = sa.select(page, app_user.c.name.label("user_name"), contact_method.c.kind.label("method"))
    rows = tx.run(query.select_from(joined).where(page.c.alert_id == alert_id).order_by(page.c.not_before)).mappings()
    return tuple(Told(page=as_page(row), user_name=row["user_name"], method=MethodKind(row["method"])) for row in rows)


def _put_away(tx: Tx, which: sa.ColumnElement[bool]) -> int:
    return tx.run(sa.update(page).where(which).values(state=PageState.SUPERSEDED)).rowcount


def as_page(row: Row) -> Page:
    """The page of a row."""
    worded = {"kind": PageKind(row["kind"]), "state": PageState(row["state"])}
    return Page(**{field.name: row[field.name] for field in fields(Page)} | worded)
