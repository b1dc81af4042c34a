"""Accounts: who gets in, for how long, and how a guesser is slowed down without shutting anybody else out."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from survey.domain.accounts import SYSTEM, Role
from survey.domain.errors import Refused
from survey.services import access, accounts
from survey.store.session import transaction
from tests import factories
from tests.cast import ROOT
from tests.conftest import Database

NOW = datetime(2026, 3, 11, 13, 0, tzinfo=UTC)
EMAIL, PASSWORD = "nora@example.org", "seven grey herons at dusk"
HOME, ELSEWHERE = "192.0.2.0/24", "198.51.100.0/24"


@pytest.fixture(autouse=True)
def nora(database: Database) -> None:
    assert database
    accounts.create_user(EMAIL, "Nora Quill", Role.CLINICIAN, PASSWORD, by=SYSTEM, now=NOW, pager="(202) 555-0142")


def fail(times: int, *, now: datetime = NOW, network: str = HOME) -> None:
    for _ in range(times):
        with pytest.raises(Refused, match="do not match"):
            accounts.sign_in(EMAIL, "not the password", network=network, now=now)


def actions() -> list[str]:
    with transaction() as tx:
        return list(tx.run(sa.text("SELECT action FROM audit_event ORDER BY at")).scalars())


def test_a_new_account_signs_in_and_is_known_by_its_token() -> None:
    token = accounts.sign_in("Nora@Example.org ", PASSWORD, network=HOME, now=NOW)

    person = accounts.session(token, now=NOW)

    assert person is not None
    assert (person.name, person.role) == ("Nora Quill", Role.CLINICIAN)


def pagers() -> list[tuple[str, bool]]:
    with transaction() as tx:
        query = "SELECT address, verified_at IS NOT NULL FROM contact_method ORDER BY address"
        return [(address, live) for address, live in tx.run(sa.text(query))]


def test_a_typed_number_is_not_paged_before_its_owner_has_typed_in_a_code() -> None:
    assert pagers() == [("+12025550142", False)]
    assert "contact_method.vouched" not in actions()


def test_a_number_that_somebody_vouches_for_is_paged_at_once_and_the_trail_says_so() -> None:
    accounts.create_user(
        "o@example.org", "O", Role.CLINICIAN, PASSWORD, by=SYSTEM, now=NOW, pager="(202) 555-0143", vouched=True
    )

    assert pagers() == [("+12025550142", False), ("+12025550143", True)]
    assert "contact_method.vouched" in actions()


def test_whoever_takes_no_alerts_has_no_pager() -> None:
    with pytest.raises(Refused, match="Only clinicians and managers are paged") as refused:
        accounts.create_user("d@example.org", "D", Role.STAFF, PASSWORD, by=SYSTEM, now=NOW, pager="(202) 555-0144")

    assert refused.value.field == "pager"
    assert [user.email for user in accounts.users()] == [EMAIL]


def test_a_pager_that_is_no_number_makes_no_account_either() -> None:
    with pytest.raises(Refused):
        accounts.create_user("b@example.org", "B", Role.CLINICIAN, PASSWORD, by=SYSTEM, now=NOW, pager="hello")

    assert [user.email for user in accounts.users()] == [EMAIL]


def test_a_mailbox_has_one_account() -> None:
    with pytest.raises(Refused, match="has an account already") as refused:
        accounts.create_user(EMAIL.upper(), "Another", Role.STAFF, PASSWORD, by=SYSTEM, now=NOW)

    assert refused.value.field == "email"


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("fourteen chars", "at least 15"),
        ("x" * 129, "at most 128"),
        ("aaaaaaaaaaaaaaaaaaaa", "easy to guess"),
        ("password1234567890", "easy to guess"),
        ("noraquillnoraquill1", "easy to guess"),
        ("daytwo-clinic-daytwo", "easy to guess"),
    ],
)
def test_a_weak_password_is_refused_with_the_reason(password: str, why: str) -> None:
    with pytest.raises(Refused, match=why) as refused:
        access.check_password(password, email=EMAIL, name="Nora Quill")

    assert refused.value.field == "password"


@pytest.mark.parametrize("password", ["seven grey herons at dusk", "ünïcödé is fine and long", " spaces   count too "])
def test_any_characters_make_a_password(password: str) -> None:
    access.check_password(password, email=EMAIL, name="Nora Quill")


def test_the_password_is_kept_as_argon2id_of_the_least_cost_or_more() -> None:
    with transaction() as tx:
        kept = tx.run(sa.text("SELECT password_hash FROM app_user")).scalar_one()

    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_hash_of_a_lower_cost_is_replaced_when_its_owner_signs_in() -> None:
    from argon2 import PasswordHasher

    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with transaction() as tx:
        tx.run(sa.text("UPDATE app_user SET password_hash = :hash"), {"hash": cheap})

    accounts.sign_in(EMAIL, PASSWORD, network=HOME, now=NOW)

    with transaction() as tx:
        assert "m=19456" in tx.run(sa.text("SELECT password_hash FROM app_user")).scalar_one()


def test_after_five_failures_even_the_right_password_waits() -> None:
    fail(5)

    with pytest.raises(Refused, match="Wait 1 seconds"):
        accounts.sign_in(EMAIL, PASSWORD, network=HOME, now=NOW)

    assert accounts.sign_in(EMAIL, PASSWORD, network=HOME, now=NOW + timedelta(seconds=2))


def test_the_wait_doubles_and_ends_at_15_minutes() -> None:
    now, waits = NOW, []
    for _ in range(18):
        with transaction() as tx:
            wait = access.wait_for(tx, email=EMAIL, network=HOME, now=now)
        waits.append(wait.total_seconds())
        now += wait
        fail(1, now=now)

    assert waits[:5] == [0.0] * 5
    assert waits[5:9] == [1.0, 2.0, 4.0, 8.0]
    assert waits[-1] == 15 * 60


def test_a_guesser_elsewhere_locks_nobody_out() -> None:
    fail(5, network=ELSEWHERE)

    assert accounts.sign_in(EMAIL, PASSWORD, network=HOME, now=NOW)


def test_a_sign_in_forgets_the_failures_before_it() -> None:
    fail(4)
    accounts.sign_in(EMAIL, PASSWORD, network=HOME, now=NOW)

    fail(4)

    assert accounts.sign_in(EMAIL, PASSWORD, network=HOME, now=NOW)


def test_the_list_of_failures_holds_no_mailbox() -> None:
    fail(1)

    with transaction() as tx:
        kept = tx.run(sa.text("SELECT account_sha256, network FROM sign_in_failure")).one()

    assert EMAIL.encode() not in bytes(kept[0])
    assert kept[1] == HOME


def test_the_trail_tells_of_good_and_bad_sign_ins() -> None:
    fail(1)
    accounts.sign_in(EMAIL, PASSWORD, network=HOME, now=NOW + timedelta(seconds=1))

    assert actions()[-2:] == ["sign_in.failed", "sign_in.ok"]


def test_a_clinicians_phone_stays_in_through_the_night_and_no_longer() -> None:
    token = accounts.sign_in(EMAIL, PASSWORD, network=HOME, now=NOW)

    assert accounts.session(token, now=NOW + timedelta(hours=11)) is not None
    assert accounts.session(token, now=NOW + timedelta(hours=12)) is None


def test_use_keeps_a_desktop_in_and_12_hours_end_it_all_the_same() -> None:
    accounts.create_user("desk@example.org", "Desk", Role.STAFF, PASSWORD, by=SYSTEM, now=NOW)
    token = accounts.sign_in("desk@example.org", PASSWORD, network=HOME, now=NOW)

    used = [accounts.session(token, now=NOW + timedelta(minutes=10 * turn)) is not None for turn in range(80)]

    assert all(used[:72])
    assert not any(used[72:])


def test_the_sixth_browser_ends_the_first() -> None:
    tokens = [accounts.sign_in(EMAIL, PASSWORD, network=HOME, now=NOW + timedelta(seconds=turn)) for turn in range(6)]

    alive = [accounts.session(token, now=NOW + timedelta(seconds=10)) is not None for token in tokens]

    assert alive == [False, True, True, True, True, True]


def test_old_sessions_and_failures_are_cleared_away_and_young_ones_stay() -> None:
    accounts.sign_in(EMAIL, PASSWORD, network=HOME, now=NOW)
    fail(1, now=NOW + timedelta(seconds=1))

    def left() -> tuple[int, int]:
        with transaction() as tx:
            sessions = tx.run(sa.text("SELECT count(*) FROM staff_session")).scalar_one()
            return sessions, tx.run(sa.text("SELECT count(*) FROM sign_in_failure")).scalar_one()

    accounts.forget_old(now=NOW + timedelta(days=1))
    assert left() == (1, 1)
    accounts.forget_old(now=NOW + timedelta(days=31))

    assert left() == (0, 0)


def test_an_administrator_cannot_shut_herself_out() -> None:
    factories.people([ROOT])

    with pytest.raises(Refused, match="your own account"):
        accounts.disable(ROOT.id, by=ROOT.actor, now=NOW)


def test_an_account_that_is_enabled_again_needs_a_new_session() -> None:
    factories.people([ROOT])
    token = accounts.sign_in(EMAIL, PASSWORD, network=HOME, now=NOW)
    user_id = next(user.id for user in accounts.users() if user.email == EMAIL)

    accounts.disable(user_id, by=ROOT.actor, now=NOW)
    accounts.enable(user_id, by=ROOT.actor, now=NOW)

    assert accounts.session(token, now=NOW) is None
    assert accounts.sign_in(EMAIL, PASSWORD, network=HOME, now=NOW)
