"""A visit: one phone on its way through a survey, and which page comes next."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from survey.domain.answers import Answer, Answers, in_full
from survey.domain.protocol import Context, Item, Protocol, Tier
from survey.domain.questionnaire import visible_items
from survey.domain.responses import AnsweredBy, Identity, is_alarmed, said


class Phase(StrEnum):
    """How far the phone has come."""

    WHO = "who"
    """Nobody has said who is answering."""
    ASKING = "asking"
    SENT = "sent"
    """Send was pressed here; what was answered is not shown again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One patient session. `protocol` holds the items that this survey asks.

    `answers` are those that this phone may see: `everything` before the first sending, later only what was added
    since. What was sent is shown on no phone.
    """

    invitation_id: UUID
    patient_id: UUID
    site_id: UUID
    link_sha256: bytes
    language: str
    answered_by: AnsweredBy | None
    performed_on: date
    expires_at: datetime
    sent_at: datetime | None
    protocol: Protocol
    context: Context
    response_id: UUID | None
    revision: int
    answered_at: datetime | None
    submitted_at: datetime | None
    identity: Identity
    answers: Answers
    everything: Answers

    @property
    def phase(self) -> Phase:
        """How far the phone has come."""
        if self.sent_at is not None:
            return Phase.SENT
        return Phase.WHO if self.answered_by is None else Phase.ASKING

    @property
    def is_amending(self) -> bool:
        """Whether the survey was sent before, and this phone tells what has changed."""
        return self.submitted_at is not None and self.sent_at is None

    @property
    def shown(self) -> tuple[Item, ...]:
        """The items that are asked, given the answers so far."""
        return visible_items(self.protocol, self.answers, self.context)

    @property
    def is_told(self) -> bool:
        """Whether what was said here pages the clinician on call."""
        return _tier(self, self.answers).pages

    def item(self, key: str) -> Item | None:
        """The shown item of that key."""
        return next((item for item in self.shown if item.key == key), None)

    def first_open(self) -> Item | None:
        """Where to go on: the first shown item without any answer."""
        return next((item for item in self.shown if item.key not in self.answers), None)

    def open_after(self, key: str) -> Item | None:
        """The first item after `key` that is not answered in full; None when the questions are done."""
        order = [item.key for item in self.protocol.items]
        later = [item for item in self.shown if order.index(item.key) > order.index(key)]
        return next((item for item in later if not in_full(item, self.answers.get(item.key))), None)

    def with_answer(self, key: str, answer: Answer) -> "Visit":
        """The visit after that answer."""
        return replace(
            self,
            revision=self.revision + 1,
            answers={**self.answers, key: answer},
            everything={**self.everything, key: answer},
        )

    def is_alarmed_by(self, after: "Visit") -> bool:
        """Whether the answer that led to `after` must be met with help at once, before any other question.

        Its own answers are looked at by themselves too: a worry that is told anew after the case was closed is new.
        """
        if _raises_alarm(self, self.answers, after, after.answers):
            return True
        is_first_sending = self.answers == self.everything
        return not is_first_sending and _raises_alarm(self, self.everything, after, after.everything)

    def holds(self, key: str, answer: Answer) -> bool:
        """Whether that is the answer already, so that a second tap changes nothing."""
        return key in self.answers and self.answers[key] == answer


def _tier(visit: Visit, answers: Answers) -> Tier:
    return said(visit.protocol, answers, visit.context).tier


def _raises_alarm(before: Visit, given: Answers, after: Visit, given_then: Answers) -> bool:
    """Judges the earlier answers only where the later ones page, which is rare."""
    tier = _tier(after, given_then)
    return tier.pages and is_alarmed(_tier(before, given), tier)
