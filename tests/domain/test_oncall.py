"""How people are reached, and where nobody is on call."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from survey.domain import oncall
from survey.domain.alerts import Severity
from survey.domain.oncall import Method, MethodKind, Rule, Shift
from tests.cast import ANA, NIGHT

HOUR = timedelta(hours=1)
SCHEDULE = UUID(int=1)


def method(kind: MethodKind = MethodKind.SMS, *, verified: datetime | None = NIGHT) -> Method:
    return Method(id=uuid4(), user_id=ANA.id, kind=kind, address="x", verified_at=verified)


def rule(of: Method, delay_s: int, severity: Severity = Severity.URGENT) -> Rule:
    return Rule(id=uuid4(), method_id=of.id, severity=severity, delay_s=delay_s)


def shift(start: int, end: int) -> Shift:
    return Shift(
        id=uuid4(), schedule_id=SCHEDULE, user_id=ANA.id, starts_at=NIGHT + start * HOUR, ends_at=NIGHT + end * HOUR
    )


def ways(methods: list[Method], *rules: Rule, kinds: tuple[MethodKind, ...] = ()) -> list[tuple[UUID, int]]:
    return [(way.method_id, way.delay_s) for way in oncall.ways(methods, rules, Severity.URGENT, kinds)]


def test_without_rules_every_live_method_is_used_at_once() -> None:
    text, mail, unproven = method(), method(MethodKind.EMAIL), method(verified=None)

    assert ways([text, mail, unproven]) == [(text.id, 0), (mail.id, 0)]


def test_rules_give_the_cadence_and_leave_out_what_they_do_not_name() -> None:
    text, mail = method(), method(MethodKind.EMAIL)

    assert ways([text, mail], rule(text, 0), rule(text, 120)) == [(text.id, 0), (text.id, 120)]


def test_rules_for_the_other_severity_do_not_count() -> None:
    text = method()

    assert ways([text], rule(text, 600, Severity.ROUTINE)) == [(text.id, 0)]


def test_somebody_whose_every_rule_waits_is_reached_at_once_all_the_same() -> None:
    text, mail = method(), method(MethodKind.EMAIL)

    assert ways([text, mail], rule(text, 60), rule(mail, 300)) == [(text.id, 0), (mail.id, 240)]


def test_a_rule_for_a_dead_method_does_not_silence_the_live_one() -> None:
    text, gone = method(), method(verified=None)

    assert ways([text, gone], rule(gone, 0)) == [(text.id, 0)]


def test_a_step_by_voice_calls_whoever_has_a_voice_line_and_pages_others_by_what_there_is() -> None:
    text, call = method(), method(MethodKind.VOICE)

    assert ways([text, call], kinds=(MethodKind.VOICE,)) == [(call.id, 0)]
    assert ways([text], kinds=(MethodKind.VOICE,)) == [(text.id, 0)]
    assert ways([text, call], rule(text, 0), rule(call, 120), kinds=(MethodKind.VOICE,)) == [(call.id, 0)]


def test_gaps_lie_before_between_and_after_the_shifts() -> None:
    found = oncall.gaps(SCHEDULE, [shift(8, 10), shift(2, 6)], since=NIGHT, until=NIGHT + 12 * HOUR)

    assert [((gap.starts_at - NIGHT) // HOUR, (gap.ends_at - NIGHT) // HOUR) for gap in found] == [
        (0, 2),
        (6, 8),
        (10, 12),
    ]


def test_a_shift_that_covers_it_all_leaves_no_gap() -> None:
    assert oncall.gaps(SCHEDULE, [shift(-5, 99)], since=NIGHT, until=NIGHT + 12 * HOUR) == ()
