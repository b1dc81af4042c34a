"""What is answered to a text and whether a person has to look, as a table."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from survey.domain import inbound as rules
from survey.domain.inbound import Answered, Inbound, Owner, Survey
from survey.domain.invitations import InvitationState
from survey.domain.keywords import Keyword, Meaning
from survey.domain.messages import Kind
from survey.domain.suppressions import Scope

NOW = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOTHING = Answered(last={}, today=0)


def text(body: str = "Hello", *, opt_out_type: str | None = None) -> Inbound:
    told = {"provider": "twilio", "provider_ref": "SM1", "sender": "+12025550121"}
    return Inbound(id=uuid4(), **told, received_at=NOW, body=body, opt_out_type=opt_out_type)


def survey(state: InvitationState = InvitationState.SENT, *, due: timedelta = -HOUR, cancelled: bool = False) -> Survey:
    ids = {"invitation_id": uuid4(), "site_id": uuid4(), "protocol_version_id": uuid4()}
    return Survey(**ids, touch="day2", state=state, due_at=NOW + due, is_cancelled=cancelled)


def owner(*surveys: Survey) -> Owner:
    return Owner(patient_id=uuid4(), contact_id=uuid4(), language="es", surveys=surveys)


def answer(
    meaning: Meaning,
    *,
    is_news: bool = True,
    scope: Scope | None = None,
    answered: Answered = NOTHING,
    opt_out_type: str | None = None,
) -> Kind | None:
    one = text(opt_out_type=opt_out_type)
    return rules.answer(one, meaning, is_news=is_news, scope=scope, answered=answered, now=NOW)


def told(kind: Kind, ago: timedelta, *, today: int = 1) -> Answered:
    return Answered(last={kind: NOW - ago}, today=today)


@pytest.mark.parametrize(
    ("meaning", "facts", "kind"),
    [
        (Meaning.STOP, {}, Kind.STOPPED),
        (Meaning.STOP_ALL, {}, Kind.STOPPED),
        (Meaning.STOP, {"is_news": False}, None),
        (Meaning.STOP, {"opt_out_type": "stop"}, None),
        (Meaning.STOP, {"answered": told(Kind.STOPPED, HOUR, today=99)}, Kind.STOPPED),
        (Meaning.START, {}, Kind.STARTED),
        (Meaning.START, {"opt_out_type": "start"}, None),
        (Meaning.START, {"scope": Scope.ALL}, Kind.STARTED),
        (Meaning.HELP, {}, Kind.HELP),
        (Meaning.HELP, {"opt_out_type": "help"}, None),
        (Meaning.HELP, {"scope": Scope.PROGRAM}, Kind.HELP),
        (Meaning.HELP, {"scope": Scope.ALL}, None),
        (Meaning.CALL, {}, Kind.CALL_BACK),
        (Meaning.CALL, {"scope": Scope.PROGRAM}, Kind.CALL_BACK),
        (Meaning.CALL, {"scope": Scope.ALL}, None),
        (Meaning.WRONG_NUMBER, {}, Kind.WRONG_NUMBER),
        (Meaning.WRONG_NUMBER, {"is_news": False}, Kind.WRONG_NUMBER),
        (Meaning.WRONG_NUMBER, {"answered": told(Kind.WRONG_NUMBER, 999 * HOUR, today=0)}, None),
        (Meaning.CALL, {"opt_out_type": "help"}, Kind.CALL_BACK),
        (Meaning.TEXT, {"opt_out_type": "start"}, Kind.NOT_WATCHED),
        (Meaning.TEXT, {}, Kind.NOT_WATCHED),
        (Meaning.TEXT, {"scope": Scope.PROGRAM}, Kind.NOT_WATCHED),
        (Meaning.TEXT, {"scope": Scope.ALL}, None),
        (Meaning.TEXT, {"answered": told(Kind.NOT_WATCHED, 12 * HOUR - timedelta(seconds=1))}, None),
        (Meaning.TEXT, {"answered": told(Kind.NOT_WATCHED, 12 * HOUR)}, Kind.NOT_WATCHED),
        (Meaning.TEXT, {"answered": told(Kind.HELP, HOUR, today=rules.MOST_ANSWERS_A_DAY)}, None),
    ],
)
def test_what_is_answered(meaning: Meaning, facts: dict[str, object], kind: Kind | None) -> None:
    assert answer(meaning, **facts) is kind  # type: ignore[arg-type]


_OPEN, _DONE = (survey(),), (survey(InvitationState.COMPLETED),)


@pytest.mark.parametrize(
    ("meaning", "owners", "is_red", "wants"),
    [
        (Meaning.TEXT, (), False, True),
        (Meaning.STOP, (owner(*_OPEN),), False, False),
        (Meaning.STOP, (owner(*_OPEN),), True, True),
        (Meaning.START, (owner(*_OPEN),), False, False),
        (Meaning.HELP, (owner(*_OPEN),), False, True),
        (Meaning.HELP, (), False, False),
        (Meaning.CALL, (owner(*_OPEN),), False, False),
        (Meaning.CALL, (owner(*_DONE), owner(*_OPEN)), False, False),
        (Meaning.CALL, (owner(survey(InvitationState.EXPIRED)),), False, False),
        (Meaning.CALL, (owner(*_DONE),), False, True),
        (Meaning.CALL, (owner(survey(cancelled=True)),), False, True),
        (Meaning.CALL, (), False, True),
        (Meaning.WRONG_NUMBER, (owner(),), False, True),
        (Meaning.WRONG_NUMBER, (), False, False),
    ],
)
def test_whether_a_person_has_to_look(meaning: Meaning, owners: tuple[Owner, ...], is_red: bool, wants: bool) -> None:
    assert rules.wants_person(meaning, owners, is_red=is_red) is wants


@pytest.mark.parametrize(
    ("state", "due", "awaited"),
    [
        (InvitationState.SCHEDULED, -HOUR, True),
        (InvitationState.SCHEDULED, HOUR, False),
        (InvitationState.SENT, HOUR, True),
        (InvitationState.OPENED, -HOUR, True),
        (InvitationState.COMPLETED, -HOUR, False),
        (InvitationState.STOPPED, -HOUR, False),
    ],
)
def test_a_survey_is_awaited_once_it_was_asked_or_should_have_been(
    state: InvitationState, due: timedelta, awaited: bool
) -> None:
    assert survey(state, due=due).is_awaited(NOW) is awaited
    assert not survey(state, due=due, cancelled=True).is_awaited(NOW)


def test_what_the_provider_blocked_is_an_opt_out_and_a_wider_one_stays() -> None:
    assert rules.understood(text("ENOUGH", opt_out_type="stop")).meaning is Meaning.STOP
    assert rules.understood(text("STOP ALL", opt_out_type="stop")).meaning is Meaning.STOP_ALL
    assert rules.understood(text("YES", opt_out_type="start")).meaning is Meaning.TEXT


def test_the_answer_is_in_the_language_of_the_words_else_of_the_patient() -> None:
    spanish, either = Keyword(meaning=Meaning.STOP, language="es"), Keyword(meaning=Meaning.STOP)

    assert rules.reply_language(spanish, (), "en") == "es"
    assert rules.reply_language(either, (owner(),), "en") == "es"
    assert rules.reply_language(either, (), "en") == "en"


def test_a_reply_stands_behind_what_was_written_before() -> None:
    assert rules.appended("Before", "now") == "Before\nnow"
    assert rules.appended(None, "now") == rules.appended("", "now") == "now"
