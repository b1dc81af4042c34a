"""A text that came in: what it asks for, what is answered, and whether a person has to look."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from survey.domain import keywords
from survey.domain.invitations import WANTED, InvitationState
from survey.domain.keywords import STOPS, Keyword, Meaning
from survey.domain.messages import Kind
from survey.domain.suppressions import Scope

LONGEST_BODY = 10_000
"""Signs of a text that are kept."""
LONGEST_SENDER = 40
LONGEST_NOTE = 500
LINK_PAGE = "link"
"""In the place of a provider: no text, but a wish for a fresh link on the page of an old one, and none was sent."""
NOT_WATCHED_EVERY = timedelta(hours=12)
"""So often at most a number is told that nobody watches it."""
MOST_ANSWERS_A_DAY = 10
"""To one number: two robots that answer one another must come to an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """One text. `sender` is E.164; `opt_out_type` is what the provider took it for, and has answered itself.

    Once handled it has a meaning, and the site and language that our answer is signed and written in.
    """

    id: UUID
    provider: str
    provider_ref: str
    received_at: datetime
    sender: str
    body: str
    opt_out_type: str | None = None
    handled_at: datetime | None = None
    meaning: Meaning | None = None
    is_red: bool = False
    site_id: UUID | None = None
    language: str | None = None
    wants_person: bool = True
    done_at: datetime | None = None
    done_by: UUID | None = None
    done_note: str | None = None

    @property
    def is_wish(self) -> bool:
        """Whether no text came, but a wish for a fresh link to a check-in that is closed."""
        return self.provider == LINK_PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """One survey of somebody whose number it is."""

    invitation_id: UUID
    site_id: UUID
    protocol_version_id: UUID
    touch: str
    state: InvitationState
    due_at: datetime
    is_cancelled: bool

    def is_awaited(self, now: datetime) -> bool:
        """Whether it was asked, or should have been, and no answer has come."""
        asked = self.due_at <= now or self.state is not InvitationState.SCHEDULED
        return asked and self.state in WANTED and not self.is_cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A patient whose number it is; the newest survey stands first, one that is still to come behind those due."""

    patient_id: UUID
    contact_id: UUID
    language: str
    surveys: tuple[Survey, ...] = ()

    @property
    def to_call(self) -> Survey | None:
        """The survey that a call would be about."""
        open_ = WANTED | {InvitationState.EXPIRED}
        return next((one for one in self.surveys if one.state in open_ and not one.is_cancelled), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a number was answered before: the last of each kind, and how many since a day ago."""

    last: Mapping[Kind, datetime]
    today: int


def tidied(body: str) -> str:
    """The text as it is kept: at most `LONGEST_BODY` signs, without the one that PostgreSQL does not take."""
    return body.replace("\x00", "")[:LONGEST_BODY]


def understood(inbound: Inbound) -> Keyword:
    """What it asks for. Where the provider took it for an opt-out it is one, for nothing gets through any more."""
    read = keywords.read(inbound.body)
    if inbound.opt_out_type == Meaning.STOP and read.meaning not in STOPS:
        return Keyword(meaning=Meaning.STOP, language=read.language)
    return read


_ANSWERS: Mapping[Meaning, Kind] = {
    Meaning.STOP: Kind.STOPPED,
    Meaning.STOP_ALL: Kind.STOPPED,
    Meaning.START: Kind.STARTED,
    Meaning.HELP: Kind.HELP,
    Meaning.CALL: Kind.CALL_BACK,
    Meaning.WRONG_NUMBER: Kind.WRONG_NUMBER,
    Meaning.TEXT: Kind.NOT_WATCHED,
}
_DUE_TO_THE_LAW = frozenset({Kind.STOPPED, Kind.WRONG_NUMBER})


def answer(
    inbound: Inbound, meaning: Meaning, *, is_news: bool, scope: Scope | None, answered: Answered, now: datetime
) -> Kind | None:
    """What is answered, if anything.

    `is_news`: an opt-out that was not in force, or the end of one that was. `scope` is the opt-out in force before.
    """
    kind = _ANSWERS[meaning]
    if inbound.opt_out_type is not None and kind in (Kind.STOPPED, Kind.STARTED, Kind.HELP):
        return None  # the provider has answered
    if kind in _DUE_TO_THE_LAW:
        first = is_news if kind is Kind.STOPPED else kind not in answered.last
        return kind if first else None
    too_many = answered.today >= MOST_ANSWERS_A_DAY
    silenced = scope is Scope.ALL and kind is not Kind.STARTED
    return None if too_many or silenced or _was_told(kind, answered, now) else kind


def _was_told(kind: Kind, answered: Answered, now: datetime) -> bool:
    last = answered.last.get(kind)
    return kind is Kind.NOT_WATCHED and last is not None and now - last < NOT_WATCHED_EVERY


def wants_person(meaning: Meaning, owners: tuple[Owner, ...], *, is_red: bool) -> bool:
    """Whether staff have to look.

    A call that stands on the call list needs no second place. HELP may be a cry; a wrong number needs the right one.
    """
    if is_red or meaning is Meaning.TEXT:
        return True
    if meaning is Meaning.CALL:
        return not any(owner.to_call for owner in owners)
    return bool(owners) and meaning in (Meaning.HELP, Meaning.WRONG_NUMBER)


def appended(before: object, body: str) -> str:
    """The free text of a survey with the reply behind what stood there."""
    return f"{before}\n{body}" if isinstance(before, str) and before else body


def reply_language(keyword: Keyword, owners: tuple[Owner, ...], fallback: str) -> str:
    """The language to answer in: that of the words where they tell, else the patient's."""
    return keyword.language or next((owner.language for owner in owners), fallback)
