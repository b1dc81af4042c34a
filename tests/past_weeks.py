"""Weeks of a clinic as rows: so many invitations, answers and pages, without anybody's tap."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa

from survey.domain.comparison import Tally, Week
from survey.domain.protocol import Tier
from survey.domain.sites import Site
from survey.domain.versions import Version
from survey.store.session import Tx, transaction
from tests import factories
from tests.cast import ANA, MARIA, NIGHT, RIVERSIDE

RULE = "U1"


def add(
    version: Version,
    monday: date,
    *,
    invited: int,
    answered: int,
    pages: int = 0,
    night: int = 0,
    site: Site = RIVERSIDE,
    rule: str = RULE,
) -> None:
    """A week of `invited` people due on its Wednesday at ten; `answered` of them answer within the day.

    The first `pages` of these page by `rule`, `night` of them in the evening.
    """
    due_at = at(monday + timedelta(days=2), time(10), site)
    with transaction() as tx:
        _maria(tx)
        for number in range(invited):
            invitation_id = invitation(tx, version, due_at, site=site)
            if number < answered:
                came_at = at(monday + timedelta(days=2), time(21) if number < night else time(11), site)
                response(tx, version, invitation_id, came_at, rule=rule if number < pages else None)


def at(day: date, clock: time, site: Site = RIVERSIDE) -> datetime:
    """That moment on the site's wall."""
    return datetime.combine(day, clock, tzinfo=site.tz)


def invitation(
    tx: Tx, version: Version, due_at: datetime, *, site: Site = RIVERSIDE, stopped_at: datetime | None = None
) -> UUID:
    """An invitation of Maria."""
    procedure_id, invitation_id = uuid4(), uuid4()
    day = due_at.date() - timedelta(days=2)
    belongs = {"patient_id": MARIA.id, "site_id": site.id, "protocol": version.slug, "performed_on": day}
    factories.insert(tx, "procedure", id=procedure_id, **belongs, source_key=str(procedure_id), created_at=due_at)
    stands = {"state": "stopped", "stopped_at": stopped_at, "stop_reason": "-"} if stopped_at else {"state": "sent"}
    factories.insert(
        tx,
        "invitation",
        id=invitation_id,
        procedure_id=procedure_id,
        site_id=site.id,
        protocol_version_id=version.id,
        touch="day2",
        due_at=due_at,
        expires_at=due_at + timedelta(days=28),
        call_at=due_at + timedelta(days=1),
        **stands,
    )
    return invitation_id


def response(
    tx: Tx, version: Version, invitation_id: UUID, now: datetime, *, rule: str | None = None, sha256: str | None = None
) -> None:
    """Its answers, scored as urgent by `rule`, or as routine; `sha256` when another text scored them."""
    response_id, tier = uuid4(), Tier.URGENT if rule else Tier.ROUTINE
    begun = {"language": "en", "mode": "web", "answered_by": "self", "started_at": now, "answered_at": now}
    scored = {"revision": 1, "scored_revision": 1, "tier": tier.value, "submitted_at": now, "scored_at": now}
    belongs = {"invitation_id": invitation_id, "protocol_version_id": version.id}
    factories.insert(tx, "response", id=response_id, **belongs, **begun, **scored)
    fired = [{"rule": rule, "tier": "urgent", "because": []}, {"rule": "S1", "tier": "soon", "because": []}]
    factories.insert(
        tx,
        "score",
        response_id=response_id,
        revision=1,
        tier=tier.value,
        fired=json.dumps(fired if rule else []),
        answers="{}",
        context="{}",
        protocol_sha256=sha256 or version.sha256,
        at=now,
    )


def what_if(version: Version, weeks: Mapping[date, Week], *, tally: Tally | None = None, asked_at: datetime) -> None:
    """A finished what-if of the version that says so."""
    found = tally or Tally()
    found.weeks.update(weeks)
    with transaction() as tx:
        factories.insert(
            tx,
            "replay",
            id=uuid4(),
            protocol_version_id=version.id,
            sha256=version.sha256,
            state="done",
            asked_at=asked_at,
            asked_by=ANA.id,
            total=found.judged,
            judged=found.judged,
            tally=json.dumps(found.as_json()),
            ended_at=asked_at,
        )


def _maria(tx: Tx) -> None:
    tx.run(
        sa.text("""INSERT INTO patient (id, given_name, family_name, born_on, language, zone, mrn, created_at)
        VALUES (:id, :given_name, :family_name, :born_on, :language, :zone, :mrn, :now) ON CONFLICT DO NOTHING"""),
        asdict(MARIA) | {"now": NIGHT},
    )
