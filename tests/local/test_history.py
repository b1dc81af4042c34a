"""The demo's invented past: believable, the same each time, and nobody who exists."""

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from survey.domain import responses
from survey.domain.answers import Answers
from survey.domain.protocol import Flag, Item, ItemKind, Protocol, Tier, Worse
from survey.domain.questionnaire import visible_items
from survey.domain.responses import judge
from survey.domain.triage import score
from survey.interop import protocol_yaml
from survey.local import clinic, seed
from survey.local.history import answers, people, stories
from survey.local.history.answers import Course
from survey.local.history.stories import Story
from survey.services import conservation
from survey.store import alerts, health
from survey.store.session import transaction
from tests import desk
from tests.cast import RIVERSIDE

PACK = Path("config/protocols/trigger-point-injection/v1.yaml")
NOW = datetime(2026, 7, 1, 16, 0, tzinfo=UTC)
FICTIONAL = re.compile(r"^\+1[2-9]\d\d55501\d\d$")


@lru_cache(maxsize=1)
def pack() -> Protocol:
    return protocol_yaml.load(PACK)


@lru_cache(maxsize=1)
def told() -> tuple[Story, ...]:
    return tuple(stories.stories(pack(), RIVERSIDE, now=NOW))


def test_the_same_day_tells_the_same_past() -> None:
    again = tuple(stories.stories(pack(), RIVERSIDE, now=NOW))

    assert again == told()


def test_every_number_is_of_the_range_that_is_kept_for_fiction_and_each_person_has_one() -> None:
    numbers = [story.person.mobile for story in told()]

    assert all(FICTIONAL.match(number) for number in numbers)
    assert len(set(numbers)) == len(numbers)
    assert all(FICTIONAL.match(number) for number in people.numbers())
    assert all(FICTIONAL.match(member.pager) for member in clinic.TEAM if member.pager)


def test_every_family_name_says_that_it_is_invented() -> None:
    marks = ("Demo", "Example", "Fable", "Fiction", "Mock", "Pretend", "Sample", "Story", "Test")
    spanish_marks = ("Cuent", "Ejempl", "Fabul", "Ficticion", "Muestr", "Prueb")

    names = {story.person.family_name for story in told()} | {member.name.split()[1] for member in clinic.TEAM}

    assert all(name.startswith((*marks, *spanish_marks)) for name in names)


def test_a_working_day_has_twelve_to_twenty_procedures_and_a_weekend_none() -> None:
    by_day = Counter(story.performed_on for story in told())

    assert all(12 <= count <= 20 for count in by_day.values())
    assert all(day.isoweekday() <= 5 for day in by_day)
    assert 60 <= len(by_day) <= 66


def test_three_quarters_answer_by_themselves_and_hardly_anybody_is_left_open() -> None:
    answered = [story for story in told() if story.response and not story.response.phoned]
    still_open = [story for story in told() if story.response is None and story.stopped_at is None]

    assert 0.72 <= len(answered) / len(told()) <= 0.80
    assert len(still_open) / len(told()) < 0.03


def test_some_are_worrying_a_few_urgent_and_at_least_one_an_emergency_by_night() -> None:
    tiers = Counter(story.response.tier for story in told() if story.response)
    at_night = [
        story
        for story in told()
        if story.response and story.response.tier.pages and RIVERSIDE.local(story.response.answered_at).hour < 6
    ]

    assert 0.04 <= tiers[Tier.SOON] / len(told()) <= 0.10
    assert 5 <= tiers[Tier.URGENT] <= 25
    assert 1 <= tiers[Tier.EMERGENCY] <= 6
    assert at_night


@pytest.mark.parametrize(("worse", "usual"), [(Worse.HIGHER, (95.0, 99.5)), (Worse.LOWER, (103.5, 108.0))])
def test_a_number_is_answered_near_its_better_end_with_no_more_digits_than_it_takes(
    worse: Worse, usual: tuple[float, float]
) -> None:
    words = {"en": "Number"}
    item = Item(
        key="number", kind=ItemKind.NUMBER, label=words, text=words, least=95, most=108, decimals=1, worse=worse
    )
    asked = replace(pack(), items=(item,), sets=(), rules=())

    told = [
        answers.answers(asked, {}, course=Course.USUAL, soreness=2, language="en", random=Random(seed))["number"]
        for seed in range(200)
    ]

    assert all(isinstance(number, float) and round(number, 1) == number for number in told)
    assert sum(usual[0] <= float(str(number)) <= usual[1] for number in told) > 190


@lru_cache(maxsize=1)
def second_pack() -> Protocol:
    return responses.asked(protocol_yaml.load(desk.LUMBAR_PACK), "day2")


def lumbar(course: Course, number: int, language: str = "en") -> Answers:
    return answers.answers(second_pack(), {}, course=course, soreness=3, language=language, random=Random(number))


@pytest.mark.parametrize("course", Course)
def test_another_protocol_is_answered_to_the_end_with_what_its_pages_take(course: Course) -> None:
    for number in range(30):
        given = lumbar(course, number)
        shown = visible_items(second_pack(), given, {})
        assert {item.key for item in shown if item.required} <= given.keys()
        for item in shown:
            answer = given.get(item.key)
            assert item.kind is not ItemKind.CHOICE or answer in {option.key for option in item.options}
            assert not isinstance(answer, dict) or answer.keys() <= {line.key for line in item.lines}


def test_a_past_told_of_another_protocol_is_mostly_calm_and_each_collapse_is_an_emergency() -> None:
    absent = dict.fromkeys((flag.key for flag in second_pack().flags), Flag.NO)

    def tiers(course: Course) -> Counter[Tier]:
        return Counter(score(second_pack(), lumbar(course, number), absent).tier for number in range(60))

    assert tiers(Course.USUAL)[Tier.ROUTINE] > 50
    assert tiers(Course.WEAK) == {Tier.URGENT: 60}
    assert tiers(Course.COLLAPSED) == {Tier.EMERGENCY: 60}


def test_a_language_in_which_no_notes_are_invented_is_answered_too() -> None:
    assert all(lumbar(Course.USUAL, number, language="fr") for number in range(100))


def test_soreness_falls_over_the_three_months() -> None:
    scores = [
        (story.performed_on, given.value)
        for story in told()
        if story.response
        for given in story.response.given
        if given.item == "sore" and isinstance(given.value, int)
    ]
    third = len(scores) // 3

    first, last = scores[:third], scores[-third:]

    assert sum(value for _, value in first) / third > sum(value for _, value in last) / third + 0.4


def test_every_tier_is_what_the_protocol_says_of_the_answers() -> None:
    for story in told():
        if story.response:
            given = {one.item: one.value for one in story.response.given}
            assert judge(pack(), given, story.response.context, finished=True) == story.response.judgement


def test_nothing_in_the_past_lies_in_the_future_or_before_its_text() -> None:
    for story in told():
        if story.response:
            times = [story.sent_at, story.response.started_at, *(one.at for one in story.response.given)]
            assert times == sorted(times)
            assert story.response.settled_at < NOW
        assert story.stopped_at is None or story.sent_at < story.stopped_at < NOW


@pytest.mark.parametrize("hour", range(24))
def test_at_any_hour_there_is_a_zone_in_which_texts_may_leave(hour: int) -> None:
    for month in (1, 7):
        now = datetime(2026, month, 15, hour, 20, tzinfo=UTC)

        local = now.astimezone(ZoneInfo(clinic.zone(now)))

        assert time(10) <= local.time() < time(17)


def test_primary_and_backup_change_places_on_monday_at_eight() -> None:
    monday = datetime(2026, 6, 29, 8, 0, tzinfo=RIVERSIDE.tz)

    before, after = (clinic.rotation(RIVERSIDE.tz, monday + timedelta(seconds=step)) for step in (-1, 0))

    assert before == tuple(reversed(after))


@pytest.mark.usefixtures("database")
def test_the_past_holds_every_invariant_and_the_counts_add_up() -> None:
    riverside = clinic.settle(NOW)
    count = seed.past(riverside, NOW, progress=lambda *_: None)
    again = seed.past(riverside, NOW, progress=lambda *_: None)

    with transaction() as tx:
        breaches = health.breaches(tx, now=NOW)
        lost = conservation.astray(tx, now=NOW)
        counts, _ = conservation.standing(tx, site_id=None, since=NOW.date() - timedelta(days=120), now=NOW)
    assert (count, again) == (len(told()), 0)
    assert not any(breaches.values()), breaches
    assert (counts.enrolled, counts.astray, lost) == (count, 0, 0)
    assert min(counts.answered, counts.reached, counts.closed, counts.open) > 0


@pytest.mark.usefixtures("database")
def test_the_patients_of_the_last_two_days_are_enrolled_once() -> None:
    riverside = clinic.settle(NOW)

    first, second = seed.today(riverside, NOW), seed.today(riverside, NOW)

    assert (first, second) == (2 * seed.A_DAY, 0)


@pytest.mark.usefixtures("database")
def test_a_second_start_makes_no_second_clinic() -> None:
    first = clinic.settle(NOW)

    second = clinic.settle(NOW + timedelta(days=1))

    assert first == second


@pytest.mark.usefixtures("database")
def test_every_urgent_alert_of_the_past_was_paged_taken_and_closed_by_somebody_on_call() -> None:
    riverside = clinic.settle(NOW)
    seed.past(riverside, NOW, progress=lambda *_: None)

    with transaction() as tx:
        open_now = alerts.open_alerts(tx, None)
        told_of = tx.run(
            alerts.alert.select().where(alerts.alert.c.severity == "urgent", alerts.alert.c.state == "resolved")
        ).all()
    assert len(told_of) >= 8
    assert all(one.acked_at < one.contacted_at < one.resolved_at for one in told_of)
    assert all(one.tier is Tier.SOON for one in open_now)
