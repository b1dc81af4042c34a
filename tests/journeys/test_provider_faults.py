"""What a provider can do to a text, over real HTTP: each fault once, and the carriers' journals are the judges."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from survey.domain.messages import LEASE, MessageState
from survey.domain.patients import ContactKind
from survey.local import carrier as carriers
from survey.local.carrier import Carrier
from survey.messaging import registry
from survey.messaging.outcomes import Sms
from survey.messaging.sinch_sms import SinchSms
from survey.services import receipts, reconciling, suppressions
from survey.store.session import transaction
from tests import desk
from tests.conftest import Database
from tests.desk import JUANS_PHONE, MARIAS_PHONE, WEDNESDAY_TEN, enrol, invitation_state, juan, maria, send
from tests.fakes import FakeEmail

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@dataclass
class Two:
    """Both providers, the one that is asked first and the other."""

    first: Carrier
    second: Carrier

    @property
    def arrived(self) -> list[str]:
        """Every phone that rang, as often as it did."""
        both = self.first.journal.entries() + self.second.journal.entries()
        return sorted(entry.to for entry in both if entry.arrived)

    @property
    def asked(self) -> tuple[int, int]:
        """How many texts each was asked to send."""
        return len(self.first.journal.entries()), len(self.second.journal.entries())


@pytest.fixture
def mailbox() -> FakeEmail:
    return FakeEmail()


@pytest.fixture
def clinic(database: Database) -> Database:
    desk.open_clinic()
    return database


def sinch(carrier: Carrier) -> SinchSms:
    return SinchSms(
        base_url=carrier.url,
        plan_id="plan",
        api_token=desk.SECRET,
        sender="+12025550101",
        receipts_url=f"{desk.PUBLIC_URL}/receipts/sinch",
        timeout_s=0.5,
    )


def wire(first: Sms, *others: Sms, mailbox: FakeEmail | None = None) -> None:
    registry.wire(
        registry.Wiring(public_url=desk.PUBLIC_URL, sms=first, others=others, email=mailbox, secrets=desk.SECRETS)
    )


@pytest.fixture
def both(clinic: Database, mailbox: FakeEmail) -> Iterator[Two]:
    assert clinic
    with ExitStack() as stack:
        two = Two(stack.enter_context(carriers.running()), stack.enter_context(carriers.running()))
        first = stack.enter_context(closing(desk.twilio(two.first, 0.5)))
        second = stack.enter_context(closing(sinch(two.second)))
        wire(first, second, mailbox=mailbox)
        two.first.now = two.second.now = at_ten
        yield two


@pytest.fixture
def carrier(clinic: Database, mailbox: FakeEmail) -> Iterator[Carrier]:
    """One provider alone."""
    assert clinic
    with desk.texting(mailbox, timeout_s=0.5) as carrier:
        carrier.now = at_ten
        yield carrier


def at_ten() -> datetime:
    """The carriers' books know no other time than the one at which all is sent here."""
    return WEDNESDAY_TEN


def state() -> str:
    """The state of the one message of the day-2 survey."""
    query = "SELECT m.state FROM message m JOIN invitation i ON i.id = m.invitation_id WHERE i.touch = 'day2'"
    (row,) = desk.rows(f"{query} AND m.kind = 'invitation'")
    return str(row["state"])


def attempts() -> list[tuple[str, str]]:
    """Provider and outcome of each attempt, in order."""
    rows = desk.rows("SELECT provider, outcome FROM message_attempt ORDER BY message_id, attempt_no")
    return [(row["provider"], row["outcome"]) for row in rows]


def crowd(count: int) -> None:
    for number in range(count):
        enrol(maria(given_name=f"Maria {chr(65 + number)}", mrn=None, mobile=f"+1202555014{number}"))


def ask(*, after: timedelta) -> int:
    """The provider is asked about what is unknown, so long after ten."""
    return reconciling.ask_due(now=WEDNESDAY_TEN + after)


# What surely did not leave goes to the other provider at once.


@pytest.mark.parametrize("mode", ["401", "403", "429", "503"])
def test_what_the_first_surely_did_not_take_the_second_sends_at_once(both: Two, mode: str) -> None:
    enrolled = enrol(maria())
    both.first.script.add("*", mode)

    send(WEDNESDAY_TEN)

    assert both.asked == (1, 1)
    assert both.arrived == [MARIAS_PHONE]
    assert attempts() == [("twilio", "try_later"), ("sinch", "accepted")]
    assert invitation_state(enrolled.invitation_id)[0] == "sent"


def test_the_last_of_a_surveys_three_messages_goes_to_the_second_like_the_first(both: Two, mailbox: FakeEmail) -> None:
    enrol(juan())
    send(WEDNESDAY_TEN)
    send(WEDNESDAY_TEN + 8 * HOUR)
    assert (both.asked, len(mailbox.wire)) == ((1, 0), 1)
    both.first.script.add("*", "503")

    send(WEDNESDAY_TEN + 23 * HOUR)

    assert both.asked == (2, 1)
    places = desk.rows("SELECT contact_no, state FROM message WHERE contact_no IS NOT NULL ORDER BY contact_no")
    assert [(row["contact_no"], row["state"]) for row in places] == [(place, "accepted") for place in (1, 2, 3)]


def test_a_name_that_does_not_resolve_costs_no_text(clinic: Database) -> None:
    assert clinic
    enrol(maria())
    nowhere = desk.TwilioSms(
        base_url="http://carrier.invalid",
        account_sid="AC0",
        auth_token="x",
        sender="+12025550100",
        receipts_url=desk.PUBLIC_URL,
        timeout_s=0.5,
    )
    with carriers.running() as second, closing(nowhere), closing(sinch(second)) as sms:
        wire(nowhere, sms)
        send(WEDNESDAY_TEN)

        assert [entry.to for entry in second.journal.entries()] == [MARIAS_PHONE]


def test_what_the_first_refuses_the_second_is_not_asked_for(both: Two, mailbox: FakeEmail) -> None:
    enrol(juan())
    both.first.script.add("*", "400")

    send(WEDNESDAY_TEN)

    assert both.asked == (1, 0)
    assert [mail.to for mail in mailbox.wire] == ["juan@example.org"]


@pytest.mark.parametrize("mode", ["500", "hang", "reset_after_body", "reset_unsent"])
def test_what_may_have_left_goes_to_no_other_provider(both: Two, mode: str) -> None:
    enrol(maria())
    both.first.script.add("*", mode)

    send(WEDNESDAY_TEN)

    assert both.asked == (1, 0)
    assert state() == MessageState.UNKNOWN


def test_when_neither_takes_it_the_text_is_tried_again_and_arrives_once(both: Two) -> None:
    enrol(maria())
    both.first.script.add("*", "503", times=2)
    both.second.script.add("*", "503", times=2)

    desk.send_until(WEDNESDAY_TEN + 10 * MINUTE, start=WEDNESDAY_TEN, every=10 * SECOND)

    assert both.arrived == [MARIAS_PHONE]


# Retry-After and the breaker.


def test_the_wait_that_a_provider_asks_for_holds_for_the_texts_that_follow(both: Two) -> None:
    crowd(1)
    both.first.script.add("*", "429:90")
    send(WEDNESDAY_TEN)
    enrol(maria())

    send(WEDNESDAY_TEN + 89 * SECOND)

    assert both.asked == (1, 2)


def test_answers_to_calls_from_before_do_not_cut_the_wait_short(both: Two) -> None:
    crowd(4)
    both.first.script.add("*", "429:90")
    send(WEDNESDAY_TEN)
    before = both.asked
    enrol(maria())

    send(WEDNESDAY_TEN + 89 * SECOND)

    assert before == (4, 1)
    assert both.asked == (4, 2)


def test_a_provider_that_fails_three_times_rests_and_is_tried_by_one_text_first(both: Two) -> None:
    crowd(3)
    both.first.script.add("*", "503", times=None)
    send(WEDNESDAY_TEN)
    before = both.asked
    for number in range(5):
        enrol(maria(given_name=f"Later {number}", mrn=None, mobile=f"+1202555015{number}"))
    send(WEDNESDAY_TEN + 30 * SECOND)
    resting = both.asked
    for number in range(5):
        enrol(maria(given_name=f"Still later {number}", mrn=None, mobile=f"+1202555016{number}"))

    send(WEDNESDAY_TEN + 61 * SECOND)

    assert before == (3, 3)
    assert resting == (3, 8)
    assert both.asked == (4, 13), "one text alone tries the first one again"
    assert len(both.arrived) == len(set(both.arrived)) == 13


def test_a_probe_that_works_opens_the_way_for_all(both: Two) -> None:
    crowd(3)
    both.first.script.add("*", "503", times=3)
    send(WEDNESDAY_TEN)
    enrol(maria())
    send(WEDNESDAY_TEN + 61 * SECOND)
    enrol(juan())

    send(WEDNESDAY_TEN + 62 * SECOND)

    assert both.asked == (5, 3)


def test_texts_wait_while_every_provider_rests_and_none_is_lost(carrier: Carrier) -> None:
    crowd(8)
    carrier.script.add("*", "503", times=None)
    send(WEDNESDAY_TEN)
    asked = len(carrier.journal.entries())
    reasons = {row["reason"] for row in desk.rows("SELECT reason FROM message WHERE state = 'pending' AND reason > ''")}
    send(WEDNESDAY_TEN + 45 * SECOND)
    meanwhile = len(carrier.journal.entries())
    carrier.script.add("*", "200", times=None)

    desk.send_until(WEDNESDAY_TEN + 5 * MINUTE, start=WEDNESDAY_TEN + MINUTE, every=10 * SECOND)

    arrived = [entry.to for entry in carrier.journal.entries() if entry.arrived]
    assert asked == meanwhile == 8
    assert all(reason.startswith(("try_later", "carriers_rest")) for reason in reasons)
    assert sorted(arrived) == [f"+1202555014{number}" for number in range(8)]


def test_a_provider_that_is_down_from_ten_to_twelve_delays_the_texts_and_doubles_none(clinic: Database) -> None:
    assert clinic
    crowd(5)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    away = desk.TwilioSms(
        base_url=f"http://127.0.0.1:{port}",
        account_sid="AC0",
        auth_token=desk.SECRET,
        sender="+12025550100",
        receipts_url=desk.PUBLIC_URL,
        timeout_s=0.5,
    )
    with closing(away):
        wire(away)
        desk.send_until(WEDNESDAY_TEN + 2 * HOUR, start=WEDNESDAY_TEN, every=MINUTE)
        tried = len(attempts())
        back = Carrier(port)
        with ExitStack() as stack:
            stack.callback(back.close)
            carriers.threading.Thread(target=back.serve_forever, daemon=True).start()
            desk.send_until(WEDNESDAY_TEN + 2 * HOUR + 20 * MINUTE, start=WEDNESDAY_TEN + 2 * HOUR, every=MINUTE)

            assert sorted(entry.to for entry in back.journal.entries()) == [f"+1202555014{n}" for n in range(5)]
    assert tried < 150, "a provider that rests is asked once a minute, not by everybody"


# Unknown is a state, and the provider is asked.


@pytest.mark.parametrize("mode", ["hang", "reset_after_body"])
@pytest.mark.parametrize("which", ["first", "second"])
def test_a_text_whose_answer_was_lost_is_asked_about_and_found(both: Two, mode: str, which: str) -> None:
    enrolled = enrol(maria())
    if which == "second":
        both.first.script.add("*", "503")
    getattr(both, which).script.add("*", mode)
    send(WEDNESDAY_TEN)

    early = ask(after=30 * SECOND)
    ask(after=61 * SECOND)
    desk.send_until(WEDNESDAY_TEN + HOUR, start=WEDNESDAY_TEN + 2 * MINUTE)

    assert early == 0
    assert state() == MessageState.DELIVERED
    assert invitation_state(enrolled.invitation_id)[0] == "delivered"
    assert both.arrived == [MARIAS_PHONE]


@pytest.mark.parametrize("mode", ["500", "reset_unsent"])
@pytest.mark.parametrize("which", ["first", "second"])
def test_a_text_that_the_provider_twice_says_it_never_had_is_sent_once(both: Two, mode: str, which: str) -> None:
    enrol(maria())
    if which == "second":
        both.first.script.add("*", "503")
    getattr(both, which).script.add("*", mode)
    send(WEDNESDAY_TEN)

    ask(after=61 * SECOND)
    send(WEDNESDAY_TEN + 62 * SECOND)
    after_one = both.arrived
    ask(after=5 * MINUTE)
    desk.send_until(WEDNESDAY_TEN + HOUR, start=WEDNESDAY_TEN + 5 * MINUTE)

    assert after_one == []
    assert both.arrived == [MARIAS_PHONE]
    assert state() == MessageState.ACCEPTED


def test_a_provider_that_does_not_answer_the_question_settles_nothing(both: Two) -> None:
    enrolled = enrol(maria())
    both.first.script.add("*", "reset_after_body")
    both.first.script.add("find", "500", times=None)
    send(WEDNESDAY_TEN)

    for minutes in range(1, 26 * 60, 7):
        ask(after=minutes * MINUTE)
        send(WEDNESDAY_TEN + minutes * MINUTE)

    (asked,) = desk.rows("SELECT call_at FROM invitation WHERE touch = 'day2'")
    (sent,) = desk.rows("SELECT attempts FROM message WHERE state = 'unknown'")
    assert sent["attempts"] == 1
    assert state() == MessageState.UNKNOWN
    assert invitation_state(enrolled.invitation_id)[0] == "sent"
    assert asked["call_at"] <= WEDNESDAY_TEN + 24 * HOUR, "a person calls instead"


def test_a_text_of_that_minute_that_is_not_ours_keeps_us_from_sending_again(carrier: Carrier) -> None:
    enrol(maria())
    carrier.script.add("*", "reset_unsent")
    send(WEDNESDAY_TEN)
    with closing(desk.twilio(carrier)) as somebody:
        somebody.send(MARIAS_PHONE, "Your table is ready.", reference=desk.RIVERSIDE.id)

    for minutes in (2, 6, 10, 14):
        ask(after=minutes * MINUTE)
        send(WEDNESDAY_TEN + minutes * MINUTE)

    assert state() == MessageState.UNKNOWN
    assert len(carrier.journal.entries()) == 2


def test_what_two_workers_ask_about_is_asked_once(both: Two) -> None:
    enrol(maria())
    both.first.script.add("*", "reset_after_body")
    send(WEDNESDAY_TEN)

    assert [ask(after=61 * SECOND), ask(after=61 * SECOND)] == [1, 0]


def test_a_mail_that_may_have_left_stays_unknown(carrier: Carrier, mailbox: FakeEmail) -> None:
    assert carrier
    enrol(maria(mobile=None, email="maria@example.org"))
    mailbox.always = type(mailbox.always).UNKNOWN
    send(WEDNESDAY_TEN)

    for minutes in range(1, 60, 5):
        ask(after=minutes * MINUTE)
        send(WEDNESDAY_TEN + minutes * MINUTE)

    assert len(mailbox.wire) == 1
    assert state() == MessageState.UNKNOWN


# What a carrier says of a number.


@pytest.mark.parametrize("mode", ["400:21610", "undelivered:21610"])
def test_a_number_that_stopped_at_the_carrier_is_suppressed_and_called(
    carrier: Carrier, mailbox: FakeEmail, mode: str
) -> None:
    enrolled = enrol(juan())
    carrier.script.add(JUANS_PHONE, mode)
    send(WEDNESDAY_TEN)
    _receive(carrier)
    send(WEDNESDAY_TEN + MINUTE)

    with transaction() as tx:
        suppression = suppressions.find(tx, ContactKind.SMS, JUANS_PHONE)
    assert suppression
    assert (suppression.scope, suppression.source) == ("all", "carrier")
    assert mailbox.wire == [], "whoever stops texts is not followed into the mailbox"
    assert invitation_state(enrolled.invitation_id) == ("undeliverable", "stopped")


@pytest.mark.parametrize("mode", ["400:21211", "400:21614", "undelivered:30005", "undelivered:30006"])
def test_a_dead_number_is_used_no_more_and_the_mailbox_is(carrier: Carrier, mailbox: FakeEmail, mode: str) -> None:
    enrol(juan())
    carrier.script.add(JUANS_PHONE, mode)
    send(WEDNESDAY_TEN)
    _receive(carrier)
    send(WEDNESDAY_TEN + MINUTE)

    (contact,) = desk.rows("SELECT blocked_reason FROM contact WHERE kind = 'sms'")
    assert contact["blocked_reason"] == "refused"
    assert [mail.to for mail in mailbox.wire] == ["juan@example.org"]


@pytest.mark.parametrize("mode", ["400", "undelivered:30003", "undelivered:30008"])
def test_a_phone_that_is_switched_off_is_no_dead_one(carrier: Carrier, mode: str) -> None:
    enrolled = enrol(maria())
    carrier.script.add(MARIAS_PHONE, mode if mode != "400" else "400:30001")
    send(WEDNESDAY_TEN)
    _receive(carrier)

    (contact,) = desk.rows("SELECT blocked_reason FROM contact WHERE kind = 'sms'")
    assert contact["blocked_reason"] is None
    assert invitation_state(enrolled.invitation_id)[0] == "undeliverable"


def _receive(carrier: Carrier) -> None:
    """The carrier's receipts, as they come in a minute later."""
    for entry in carrier.journal.entries():
        if entry.fails_later:
            status, code = entry.ending
            body = f"MessageStatus={status}&ErrorCode={code}".encode()
            receipts.take("twilio", body, attempt_id=desk.UUID(entry.reference), now=WEDNESDAY_TEN + 30 * SECOND)


# A worker that is killed between the call and the record.

SENDER = """
import os, signal, sys
from datetime import datetime
from survey.messaging import registry
from survey.messaging.twilio_sms import TwilioSms
from survey.services import sending
from survey.store import session

class Fatal(TwilioSms):
    def send(self, *args, **kwargs):
        if sys.argv[4] == "after":
            super().send(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

session.configure(sys.argv[1])
sms = Fatal(base_url=sys.argv[2], account_sid="AC0", auth_token="carrier-secret", sender="+12025550100",
            receipts_url="https://chk.northgate.example/receipts/sms", timeout_s=5)
registry.wire(registry.Wiring(public_url="https://chk.northgate.example", sms=sms, email=None))
sending.send_due(now=datetime.fromisoformat(sys.argv[3]))
"""


@pytest.mark.parametrize(("when", "in_the_end"), [("before", MessageState.ACCEPTED), ("after", MessageState.DELIVERED)])
def test_a_worker_that_is_killed_around_the_call_costs_no_text_and_doubles_none(
    clinic: Database, carrier: Carrier, when: str, in_the_end: MessageState
) -> None:
    enrol(maria())
    script = textwrap.dedent(SENDER)
    command = [sys.executable, "-c", script, clinic.url, carrier.url, WEDNESDAY_TEN.isoformat(), when]
    killed = subprocess.run(command, env=dict(os.environ), check=False)

    later = LEASE + MINUTE
    send(WEDNESDAY_TEN + later)
    unknown = state()
    ask(after=later + 61 * SECOND)
    ask(after=later + 5 * MINUTE)
    send(WEDNESDAY_TEN + later + 5 * MINUTE)

    assert killed.returncode == -signal.SIGKILL
    assert unknown == MessageState.UNKNOWN
    assert state() == in_the_end
    assert [entry.to for entry in carrier.journal.entries()] == [MARIAS_PHONE]
