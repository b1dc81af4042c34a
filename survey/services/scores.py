"""Scoring: whatever response is due is judged, kept, and raised as an alert when it is worrying."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from survey.domain import responses as rules
from survey.domain.errors import DomainError, Unavailable
from survey.domain.protocol import Protocol, Tier
from survey.domain.sites import Site
from survey.domain.triage import FAULTS, Fired
from survey.domain.versions import Unproved
from survey.services import alerts, protocols
from survey.store import scores as store
from survey.store import sites as site_store
from survey.store.scores import Due, Scored
from survey.store.session import DatabaseError, Tx, transaction

log = structlog.get_logger()

MOST_AT_ONCE = 1000


def score_due(*, now: datetime, limit: int = 100) -> int:
    """Score what is due, oldest first; how many were done. A response that fails never holds up the others.

    One that cannot be judged at all is raised as urgent, with the reason in `score_fault`.
    """
    try:
        return _score(now=now, limit=limit)
    except Unavailable:
        raise
    except (DomainError, DatabaseError) as fault:
        log.error("scoring.batch_failed", error=type(fault).__name__, reason=str(fault))
        return _score_singly(now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """What is kept of one response, the tier to raise an alert at, and the rules that are news (None: not known)."""

    due: Due
    scored: Scored
    alarm: Tier
    news: frozenset[str] | None


def _score(*, now: datetime, limit: int, only: UUID | None = None) -> int:
    with transaction() as tx:
        claimed = store.claim(tx, limit=limit, only=only)
        broken = protocols.broken(tx, {due.protocol_version_id for due in claimed}) if claimed else {}
        results = [_judge(tx, due, broken.get(due.protocol_version_id), now=now) for due in claimed]
        if results:
            store.record(tx, [result.scored for result in results], now=now)
            _raise(tx, [result for result in results if result.alarm is not Tier.ROUTINE], now=now)
    return len(results)


def _score_singly(*, now: datetime) -> int:
    """One transaction for each, so that whichever failed fails alone; it stays due, and the invariants tell of it."""
    with transaction() as tx:
        due = store.due_ids(tx, limit=MOST_AT_ONCE)
    done = 0
    for response_id in due:
        try:
            done += _score(now=now, limit=1, only=response_id)
        except Unavailable:
            raise
        except (DomainError, DatabaseError) as fault:
            log.error("scoring.failed", response=str(response_id), error=type(fault).__name__, reason=str(fault))
    return done


def _judge(tx: Tx, due: Due, broken: str | None, *, now: datetime) -> _Result:
    """What the response comes to; `broken` says that its protocol is not the one that was proved, and why."""
    try:
        if broken is not None:
            raise Unproved(broken)
        protocol = rules.asked(protocols.get(tx, due.protocol_version_id), due.touch)
        return _judged(due, protocol, now=now)
    except Unavailable:
        raise
    except FAULTS as fault:
        log.error("scoring.impossible", response=str(due.id), error=type(fault).__name__)
        tier = rules.worst(due.told, Tier.URGENT)
        scored = Scored(id=due.id, revision=due.revision, tier=tier, fault=type(fault).__name__)
        return _Result(due=due, scored=scored, alarm=Tier.URGENT, news=None)


def _judged(due: Due, protocol: Protocol, *, now: datetime) -> _Result:
    context = protocol.context_for(body_sites=due.body_sites, agents=due.agents, given=due.context)
    finished = rules.is_finished(due.submitted_at, due.answered_at, now)
    judgement = rules.judge(protocol, due.answers, context, finished=finished)
    scored = Scored(
        id=due.id,
        revision=due.revision,
        tier=rules.worst(judgement.tier, due.told),
        score_tier=judgement.score.tier,
        fired=[_as_json(fired) for fired in judgement.score.fired],
        answers=due.answers,
        context=context,
        sha256=protocol.sha256,
    )
    alarm = rules.alarm(protocol, judgement, context, since_closed=due.since_closed)
    rules_now = frozenset(fired.rule for fired in alarm.fired)
    news = rules_now if due.is_closed else rules_now - due.known_rules
    return _Result(due=due, scored=scored, alarm=alarm.tier, news=news)


def _as_json(fired: Fired) -> Mapping[str, object]:
    return {"rule": fired.rule, "tier": fired.tier, "because": list(fired.because)}


def _raise(tx: Tx, worrying: list[_Result], *, now: datetime) -> None:
    sites: dict[UUID, Site] = {}
    for result in worrying:
        due = result.due
        if due.site_id not in sites:
            sites[due.site_id] = site_store.get(tx, due.site_id)
        site = sites[due.site_id]
        times = {"answered_at": due.answered_at, "now": now}
        if due.told is None:
            alerts.open_first(tx, response_id=due.id, site=site, tier=result.alarm, **times)
        else:
            alerts.raise_for(tx, response_id=due.id, site=site, tier=result.alarm, fired=result.news, **times)
