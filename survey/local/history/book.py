"""Invented history as rows, table by table: what the database would hold had Daytwo run all along."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from survey.domain import pages
from survey.domain.alerts import Alert, ContactResult
from survey.domain.invitations import Trouble
from survey.domain.messages import Delivery
from survey.domain.pages import PageState
from survey.domain.responses import AnsweredBy, Identity, Mode, judge
from survey.domain.triage import Score
from survey.local.history import asked_rows
from survey.local.history.alerts import Case, Clinic, Paged, raised_at
from survey.local.history.asked_rows import Desk, Ids, Row
from survey.local.history.stories import Response, Story

SCORED_AFTER = timedelta(milliseconds=180)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What every row of the history hangs on. `methods`: user → the contact method that is paged."""

    desk: Desk
    clinic: Clinic
    methods: Mapping[UUID, UUID]


class Book:
    """Collects the rows of one story after the other."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.rows: defaultdict[str, list[Row]] = defaultdict(list)

    def write(self, story: Story) -> None:
        """Add one story."""
        desk, ids = self.setting.desk, Ids(uuid5(self.setting.desk.site.id, f"history {story.number}"))
        self.rows["patient"].append(desk.patient(story, ids))
        self.rows["contact"].append(desk.contact(story, ids))
        self.rows["procedure"].append(desk.procedure(story, ids))
        self.rows["invitation"].append(desk.invitation(story, ids))
        if story.trouble is not Trouble.NO_CONSENT:
            self.rows["message"].append(asked_rows.message(story, ids))
            self.rows["message_attempt"].append(asked_rows.message_attempt(story, ids))
        if story.response is not None:
            self._response(story, story.response, ids)

    def _response(self, story: Story, response: Response, ids: Ids) -> None:
        revision = len(response.given) + (response.submitted_at is not None)
        scored_at = response.settled_at + SCORED_AFTER
        self.rows["response"].append(
            {
                "id": ids("response"),
                "invitation_id": ids("invitation"),
                "protocol_version_id": self.setting.desk.protocol_version_id,
                "language": story.person.language,
                "mode": Mode.PHONE if response.phoned else Mode.WEB,
                "answered_by": AnsweredBy.HELPER if response.helper else AnsweredBy.SELF,
                "entered_by": self.setting.desk.staff_id if response.phoned else None,
                "revision": revision,
                "scored_revision": revision,
                "tier": response.tier,
                "started_at": response.started_at,
                "answered_at": response.submitted_at or response.answered_at,
                "submitted_at": response.submitted_at,
                "scored_at": scored_at,
                "identity": Identity.NOT_ASKED,
                "score_fault": None,
            }
        )
        self.rows["answer"] += [
            {"response_id": ids("response"), "revision": number, "item": one.item, "value": one.value, "at": one.at}
            for number, one in enumerate(response.given, 1)
        ]
        self._score(response, ids, response.judgement.score, revision=revision, at=scored_at)
        if response.tier.rank:
            self._alert(response, ids, revision)

    def _score(self, response: Response, ids: Ids, score: Score, *, revision: int, at: datetime) -> None:
        self.rows["score"].append(
            {
                "response_id": ids("response"),
                "revision": revision,
                "tier": score.tier,
                "fired": [{"rule": one.rule, "tier": one.tier, "because": list(one.because)} for one in score.fired],
                "answers": {one.item: one.value for one in response.given[:revision]},
                "context": dict(response.context),
                "protocol_sha256": self.setting.desk.protocol.sha256,
                "at": at,
            }
        )

    def _alert(self, response: Response, ids: Ids, last: int) -> None:
        protocol = self.setting.desk.protocol
        at, count = raised_at(protocol, response)
        if count < min(last, len(response.given)):
            so_far = {one.item: one.value for one in response.given[:count]}
            early = judge(protocol, so_far, response.context, finished=False).score
            self._score(response, ids, early, revision=count, at=at + SCORED_AFTER)
        case = self.setting.clinic.handle(
            ids("alert"), ids("response"), response.tier, opened_at=at + SCORED_AFTER, course=response.course
        )
        alert = case.alert
        names = [field.name for field in fields(alert) if field.name != "short_no"]
        self.rows["alert"].append({name: getattr(alert, name) for name in names} | {"severity": alert.severity})
        self.rows["alert_event"] += _story_of(case)
        self.rows["promise"].append(_promise(alert, ids("promise"), now=self.setting.desk.now))
        for number, paged in enumerate(case.paged):
            self._page(case, paged, ids, number)

    def _page(self, case: Case, paged: Paged, ids: Ids, number: int) -> None:
        self.rows["page"].append(
            {
                "id": ids(f"page {number}"),
                "alert_id": case.alert.id,
                "kind": pages.PageKind.CALL,
                "epoch": 1,
                "cycle": paged.cycle,
                "step_seq": paged.step_seq,
                "user_id": paged.user_id,
                "contact_method_id": self.setting.methods[paged.user_id],
                "rule_delay_s": 0,
                "state": PageState.DELIVERED,
                "not_before": paged.planned_at,
                "give_up_at": paged.planned_at + pages.GIVE_UP_AFTER,
                "attempts": 1,
                "maybe_sent": 1,
                "lease_token": None,
                "lease_until": None,
                "sent_at": paged.sent_at,
            }
        )
        ours = {"id": ids(f"page try {number}"), "page_id": ids(f"page {number}"), "ack_token_sha256": None}
        handed_over = asked_rows.attempt(started_at=paged.planned_at, sent_at=paged.sent_at)
        told = asked_rows.receipt(Delivery.DELIVERED, paged.sent_at)
        self.rows["page_attempt"].append(ours | {"lease_token": ids(f"page lease {number}")} | handed_over | told)


def _story_of(case: Case) -> list[Row]:
    return [
        {
            "alert_id": case.alert.id,
            "at": told.at,
            "kind": told.event.kind,
            "actor_kind": told.actor.kind,
            "actor_id": told.actor.id,
            "epoch": told.event.epoch,
            "from_state": told.event.from_state,
            "to_state": told.event.to_state,
            "data": dict(told.event.data),
            "idem_key": told.event.idem_key,
        }
        for told in case.told
    ]


def _promise(alert: Alert, promise_id: UUID, *, now: datetime) -> Row:
    """What the patient was promised, and what became of it: kept, kept late, or given up with the alert."""
    kept_at = alert.contacted_at if alert.contact_result is ContactResult.REACHED else None
    ended = [one for one in (kept_at, alert.resolved_at, now) if one is not None]
    return {
        "id": promise_id,
        "alert_id": alert.id,
        "made_at": alert.created_at,
        "due_at": alert.promised_at,
        "kept_at": kept_at,
        "broken_at": alert.promised_at if min(ended) > alert.promised_at else None,
        "cancelled_at": None if kept_at else alert.resolved_at,
        "told_patient_at": None,
    }
