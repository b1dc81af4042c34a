"""How the clinic that never was dealt with its worrying responses: paged, taken, reached, closed. Pure.

Every move is the domain's own, so that no alert tells of something that Daytwo would not have done.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from random import Random
from uuid import UUID

from survey.domain import alert_moves as alerts
from survey.domain import escalation
from survey.domain.accounts import SYSTEM, Actor, ActorKind
from survey.domain.alerts import Alert, Change, ContactResult, Event, Outcome, Usefulness
from survey.domain.escalation import Policy, Target
from survey.domain.protocol import Protocol, Tier
from survey.domain.responses import said
from survey.domain.sites import Site, next_workday
from survey.local.history.answers import Course
from survey.local.history.stories import Response, pick

LATEST_TAKE_MIN = 14.0
SLOW_AT_NIGHT = 2.6
BUSY = timedelta(minutes=30)
"""Nothing is made up about the last half hour: what happens then, the running Daytwo tells."""

OUTCOMES: Mapping[Tier, Mapping[Outcome, float]] = {
    Tier.EMERGENCY: {Outcome.SENT_TO_EMERGENCY: 60, Outcome.AMBULANCE: 20, Outcome.REASSURED: 20},
    Tier.URGENT: {Outcome.REASSURED: 45, Outcome.SEEN_IN_CLINIC: 35, Outcome.SENT_TO_EMERGENCY: 20},
    Tier.SOON: {Outcome.REASSURED: 82, Outcome.SEEN_IN_CLINIC: 14, Outcome.OTHER: 4},
}
USEFUL: Mapping[Tier, Mapping[Usefulness, float]] = {
    Tier.EMERGENCY: {Usefulness.EVENT_CONFIRMED: 55, Usefulness.WORTH_IT: 40, Usefulness.NOT_NEEDED: 5},
    Tier.URGENT: {Usefulness.EVENT_CONFIRMED: 30, Usefulness.WORTH_IT: 50, Usefulness.NOT_NEEDED: 20},
    Tier.SOON: {Usefulness.EVENT_CONFIRMED: 8, Usefulness.WORTH_IT: 57, Usefulness.NOT_NEEDED: 35},
}

Roster = Callable[[Target, datetime], UUID]
"""Whom a target meant at an instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One line of the story, when and by whom."""

    at: datetime
    event: Event
    actor: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Paged:
    """One page that arrived: to whom, at which step and round."""

    user_id: UUID
    step_seq: int
    cycle: int
    planned_at: datetime
    sent_at: datetime


@dataclass(slots=True, kw_only=True)
class Case:
    """One alert as it stands, with all that led there."""

    alert: Alert
    told: list[Told] = field(default_factory=list)
    paged: list[Paged] = field(default_factory=list)

    def move(self, change: Change, *, at: datetime, by: UUID | None = None) -> None:
        """Let `change` have happened."""
        actor = SYSTEM if by is None else Actor(kind=ActorKind.USER, id=by)
        self.alert = change.alert
        self.told.append(Told(at=at, event=change.event, actor=actor))


def raised_at(protocol: Protocol, response: Response) -> tuple[datetime, int]:
    """When the answers had reached their final tier, and how many there were then; unfinished ones an hour later."""
    for count in range(1, len(response.given) + 1):
        so_far = {one.item: one.value for one in response.given[:count]}
        if said(protocol, so_far, response.context).tier is response.tier:
            return response.given[count - 1].at, count
    return response.settled_at, len(response.given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinic:
    """Who deals with alerts, and by which rules, up to `now`."""

    site: Site
    policy: Policy
    roster: Roster
    now: datetime

    def handle(self, alert_id: UUID, response_id: UUID, tier: Tier, *, opened_at: datetime, course: Course) -> Case:
        """The alert of a response, as far as it has come by now."""
        random = Random(str(response_id))  # noqa: S311 (the same history at every start is the point)
        opened = alerts.opened(
            alert_id=alert_id,
            response_id=response_id,
            site=self.site,
            tier=tier,
            policy_version_id=self.policy.id,
            ordinal=1,
            answered_at=opened_at,
            now=opened_at,
        )
        case = Case(alert=opened.alert)
        case.move(opened, at=opened_at)
        if tier.pages:
            self._page_until_taken(case, course, random)
        else:
            self._take_in_the_morning(case, random)
        return case

    def _page_until_taken(self, case: Case, course: Course, random: Random) -> None:
        opened_at = case.alert.created_at
        slow = SLOW_AT_NIGHT if not time(7) <= self.site.local(opened_at).time() < time(22) else 1.0
        minutes = min(slow * random.lognormvariate(0.4, 0.6), LATEST_TAKE_MIN)
        taken_at = opened_at + timedelta(minutes=max(minutes, 0.4))
        while case.alert.next_action_at is not None and case.alert.next_action_at < taken_at:
            self._step(case, case.alert.next_action_at, random)
        by = random.choice([case.paged[0].user_id, case.paged[-1].user_id])
        self._take(case, taken_at, by)
        self._reach_and_close(case, by, random, reached=0.8 if course is not Course.COLLAPSED else 0.9)

    def _step(self, case: Case, at: datetime, random: Random) -> None:
        fired = self.policy.step(case.alert.step_seq)
        cycle = case.alert.cycle
        users = dict.fromkeys(self.roster(target, at) for target in fired.targets)
        for user_id in users:
            sent_at = at + timedelta(milliseconds=random.randint(25, 900))
            case.paged.append(Paged(user_id=user_id, step_seq=fired.seq, cycle=cycle, planned_at=at, sent_at=sent_at))
        case.move(escalation.step(case.alert, self.policy, pages=len(users), now=at), at=at)

    def _take_in_the_morning(self, case: Case, random: Random) -> None:
        local = self.site.local(case.alert.created_at)
        start = datetime.combine(next_workday(self.site, local.date()), time(9), tzinfo=self.site.tz)
        taken_at = start + timedelta(minutes=random.randint(5, 300))
        if taken_at > self.now - BUSY:
            return
        by = self.roster(self.policy.steps[0].targets[0], taken_at)
        self._take(case, taken_at, by)
        self._reach_and_close(case, by, random, reached=0.85)

    def _take(self, case: Case, at: datetime, by: UUID) -> None:
        taken = alerts.take(case.alert, by=by, epoch=case.alert.epoch, ack_ttl=self.policy.ack_ttl, now=at)
        case.move(taken, at=at, by=by)

    def _reach_and_close(self, case: Case, by: UUID, random: Random, *, reached: float) -> None:
        at = (case.alert.acked_at or case.alert.created_at) + timedelta(minutes=random.uniform(1, 8))
        for result in _tries(reached, random):
            self._contact(case, at, by, result)
            at += timedelta(minutes=random.uniform(3, 9))
        tier = case.alert.tier
        closed = alerts.close(
            case.alert,
            outcome=pick(OUTCOMES[tier], random),
            usefulness=pick(USEFUL[tier], random),
            by=by,
            epoch=case.alert.epoch,
            now=at,
        )
        case.move(closed, at=at, by=by)

    def _contact(self, case: Case, at: datetime, by: UUID, result: ContactResult) -> None:
        epoch, ack_ttl = case.alert.epoch, self.policy.ack_ttl
        tried = alerts.contact(case.alert, result=result, by=by, epoch=epoch, ack_ttl=ack_ttl, now=at)
        case.move(tried, at=at, by=by)


def _tries(reached: float, random: Random) -> Iterator[ContactResult]:
    """What came of each call until the patient answered."""
    while random.random() > reached:
        yield random.choice((ContactResult.VOICEMAIL, ContactResult.NO_ANSWER))
    yield ContactResult.REACHED
