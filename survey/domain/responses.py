"""A response: the answers of one survey as they grow, and what they are worth while they are still unfinished."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from uuid import UUID

from survey.domain.answers import NO, YES, Answer, Answers
from survey.domain.errors import InvalidInput
from survey.domain.protocol import Context, Item, ItemKind, Protocol, Tier
from survey.domain.questionnaire import ANSWER, check_answer, visible_items
from survey.domain.triage import WELL, Score, score

SESSION_LASTS = timedelta(minutes=60)
"""How long a phone may go on after Start; also how long an unfinished survey may lie before it counts as left."""

NONE_OF_THESE = "none_of_these"
"""Name of the button that answers No to every line that is not marked."""


class AnsweredBy(StrEnum):
    """Whose hands held the phone."""

    SELF = "self"
    HELPER = "helper"


class Mode(StrEnum):
    """How the answers came in."""

    WEB = "web"
    PHONE = "phone"
    """A member of staff asked and typed."""
    TEXT = "text"
    """The patient texted words of danger before any question was answered."""


class Identity(StrEnum):
    """What the month and day of birth said; it never locks anybody out."""

    NOT_ASKED = "not_asked"
    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One survey's answers, counted: due for scoring while `scored_revision` is below `revision`.

    `tier` is what the clinic acts on; None while nothing worrying was said and the survey is not finished.
    """

    id: UUID
    invitation_id: UUID
    protocol_version_id: UUID
    language: str
    mode: Mode
    answered_by: AnsweredBy
    entered_by: UUID | None
    revision: int
    scored_revision: int
    tier: Tier | None
    started_at: datetime
    answered_at: datetime
    submitted_at: datetime | None
    scored_at: datetime | None
    identity: Identity
    score_fault: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one scoring of a response says.

    `score` is of everything that is shown, open items among it. `tier` is what to act on now: None for an unfinished
    survey in which nothing worrying was said so far.
    """

    score: Score
    tier: Tier | None


@lru_cache(maxsize=64)
def asked(protocol: Protocol, touch: str) -> Protocol:
    """The protocol with the items of one touch only: a later check asks fewer questions under the same rules."""
    keys = protocol.touch(touch).items
    if keys is None:
        return protocol
    return replace(protocol, items=tuple(item for item in protocol.items if item.key in keys))


def said(protocol: Protocol, answers: Answers, context: Context) -> Score:
    """The score of what was said so far, holding nothing against the patient that is still open."""
    return score(protocol, answers, context, visible=frozenset(answers))


def judge(protocol: Protocol, answers: Answers, context: Context, *, finished: bool) -> Judgement:
    """Scores a response. A survey under way acts on what was said; a finished one also on what was left open."""
    full = score(protocol, answers, context)
    if finished:
        return Judgement(score=full, tier=full.tier)
    tier = said(protocol, answers, context).tier
    return Judgement(score=full, tier=tier if tier is not Tier.ROUTINE else None)


def alarm(protocol: Protocol, judgement: Judgement, context: Context, *, since_closed: Answers | None) -> Score:
    """What the clinic has to hear of now.

    Once a clinician has closed the case, only what was answered after that (`since_closed`) can open another.
    """
    if since_closed is not None:
        return said(protocol, since_closed, context)
    if judgement.tier is None or judgement.tier is Tier.ROUTINE:
        return WELL
    return Score(tier=judgement.tier, fired=judgement.score.fired)


def is_finished(submitted_at: datetime | None, answered_at: datetime, now: datetime) -> bool:
    """Whether nothing more is to be waited for: it was sent, or left lying for an hour."""
    return submitted_at is not None or now - answered_at >= SESSION_LASTS


_rank = attrgetter("rank")


def worst(*tiers: Tier | None) -> Tier | None:
    """The most serious of those there are; a tier that was acted on never falls by itself."""
    known = [tier for tier in tiers if tier is not None]
    return max(known, key=_rank) if len(known) > 1 else next(iter(known), None)


def is_alarmed(before: Tier, after: Tier) -> bool:
    """Whether an answer has just raised the tier to one that pages, so that the patient must read it at once."""
    return after.pages and after.rank > before.rank


def with_none_of_these(item: Item, form: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The form with each unmarked line answered No, if that button was pressed. A marked Yes stays a Yes."""
    if NONE_OF_THESE not in form or item.kind is not ItemKind.LINES:
        return dict(form)
    return {line.key: [NO] for line in item.plain_lines} | {
        line.key: [YES] for line in item.lines if YES in form.get(line.key, ())
    }


def identity(born_on: date, *, month: int | None, day: int | None) -> Identity:
    """What the month and day given say. Nothing given: not asked. A mismatch is noted and no more."""
    if month is None and day is None:
        return Identity.NOT_ASKED
    return Identity.CONFIRMED if (month, day) == (born_on.month, born_on.day) else Identity.UNCONFIRMED


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A whole survey read from one form, as staff type it on the phone: what could be read, and what could not."""

    answers: dict[str, Answer]
    problems: dict[str, InvalidInput]
    """Item key to what is wrong with its answer. An item left empty is open, and no problem."""


def with_room(item: Item, stands: Answer | None) -> Item:
    """The item with room for the words that stand there: what was texted may be longer than what is asked for."""
    return replace(item, max_length=max(item.max_length, len(stands))) if isinstance(stands, str) else item


def read_sheet(protocol: Protocol, context: Context, form: Mapping[str, list[str]], *, stands: Answers) -> Sheet:
    """Reads fields named `<item>` or, for lines, `<item>.<line>`. Items that the answers do not show are left out.

    `stands` are the answers that were there before.
    """
    sheet = Sheet(answers={}, problems={})
    for item in protocol.items:
        raw = _fields(item, form)
        if not raw or item not in visible_items(protocol, sheet.answers, context):
            continue
        try:
            sheet.answers[item.key] = check_answer(with_room(item, stands.get(item.key)), raw)
        except InvalidInput as problem:
            sheet.problems[item.key] = problem
    return sheet


def _fields(item: Item, form: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The item's own fields, named as `check_answer` wants them; empty ones left out."""
    if item.kind is ItemKind.LINES:
        names = {line.key: f"{item.key}.{line.key}" for line in item.lines}
    else:
        names = {ANSWER: item.key}
    return {field: form[name] for field, name in names.items() if any(form.get(name, ()))}
