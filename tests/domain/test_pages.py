"""What becomes of a page after each try."""

from datetime import timedelta
from uuid import uuid4

import pytest

from survey.domain import pages as rules
from survey.domain.pages import AttemptOutcome, Page, PageState
from survey.settings import Settings
from tests.cast import ANA, NIGHT

SECOND = timedelta(seconds=1)


def leased(*, attempts: int = 1, maybe_sent: int = 0) -> Page:
    ids = {name: uuid4() for name in ("id", "alert_id", "contact_method_id")}
    place = {"epoch": 1, "cycle": 0, "step_seq": 0, "user_id": ANA.id, "rule_delay_s": 0}
    give_up_at = NIGHT + rules.GIVE_UP_AFTER
    page = Page(**ids, **place, not_before=NIGHT, give_up_at=give_up_at, attempts=attempts - 1, maybe_sent=maybe_sent)
    return rules.leased(page, token=uuid4(), until=NIGHT + 30 * SECOND)


@pytest.mark.parametrize(
    ("outcome", "state", "maybe_sent"),
    [
        (AttemptOutcome.ACCEPTED, PageState.ACCEPTED, 1),
        (AttemptOutcome.REFUSED, PageState.FAILED, 0),
        (AttemptOutcome.TRY_LATER, PageState.PENDING, 0),
        (AttemptOutcome.UNKNOWN, PageState.PENDING, 1),
        (AttemptOutcome.LEASE_EXPIRED, PageState.PENDING, 1),
    ],
)
def test_each_ending_of_a_try(outcome: AttemptOutcome, state: PageState, maybe_sent: int) -> None:
    page = rules.after_attempt(leased(), outcome, now=NIGHT)

    assert (page.state, page.maybe_sent, page.attempts) == (state, maybe_sent, 1)
    assert page.lease_token is page.lease_until is None


@pytest.mark.parametrize("outcome", [AttemptOutcome.UNKNOWN, AttemptOutcome.LEASE_EXPIRED])
def test_the_third_try_that_may_have_arrived_is_the_last(outcome: AttemptOutcome) -> None:
    page = rules.after_attempt(leased(maybe_sent=2), outcome, now=NIGHT)

    assert (page.state, page.maybe_sent) == (PageState.FAILED, 3)


def test_clean_failures_do_not_use_up_the_bound() -> None:
    page = leased(attempts=40, maybe_sent=2)

    assert rules.after_attempt(page, AttemptOutcome.TRY_LATER, now=NIGHT).state is PageState.PENDING


def test_the_pause_doubles_from_a_fraction_of_a_second_to_fifteen() -> None:
    pauses = [rules.pause(leased(attempts=n), AttemptOutcome.TRY_LATER) / SECOND for n in (1, 2, 3, 6, 7, 60)]

    assert pauses == [0.4, 0.8, 1.6, 12.8, 15, 15]


def test_a_page_that_cannot_be_handed_over_in_time_is_given_up() -> None:
    page = rules.after_attempt(leased(attempts=50), AttemptOutcome.TRY_LATER, now=NIGHT + rules.GIVE_UP_AFTER)

    assert page.state is PageState.FAILED


def test_a_lease_outlasts_two_and_a_half_of_the_slowest_sends() -> None:
    limits = {name: field.default for name, field in Settings.model_fields.items()}

    assert limits["page_lease_s"] >= 2.5 * limits["provider_timeout_s"]
