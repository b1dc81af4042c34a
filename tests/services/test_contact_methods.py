"""How a clinician is paged: each way is proved by its owner with a code, and the order is theirs to choose."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from survey.domain.accounts import Actor
from survey.domain.contact_methods import ProofPurpose
from survey.domain.errors import NotFound, Refused
from survey.domain.oncall import Method, MethodKind
from survey.messaging import registry
from survey.messaging.outcomes import Outcome
from survey.messaging.registry import Wiring
from survey.services import contact_methods, contact_proofs, notification_rules, reach
from survey.store.session import transaction
from tests import factories
from tests.cast import ANA, LENA, NIGHT, SAM, Person
from tests.conftest import Database
from tests.fakes import FakeEmail, FakePush, FakeSms, FakeVoice, Provider
from tests.night import LEASE_S, PUBLIC_URL

SECOND_PHONE = "(202) 555-0119"
CODE = re.compile(r"\b(\d{6})\b")


@dataclass
class Clinic:
    """A clinic whose providers journal, and a clock that the test moves."""

    now: datetime = NIGHT
    sms: FakeSms = field(default_factory=FakeSms)
    email: FakeEmail = field(default_factory=FakeEmail)
    voice: FakeVoice = field(default_factory=FakeVoice)
    push: FakePush = field(default_factory=FakePush)

    def wire(self) -> None:
        registry.wire(
            Wiring(
                public_url=PUBLIC_URL,
                sms=self.sms,
                email=self.email,
                voice=self.voice,
                push=self.push,
                page_lease_s=LEASE_S,
            )
        )

    def work(self) -> int:
        """A worker does what is due; how much that was."""
        done = 0
        while part := sum(handler(now=self.now) for handler in contact_proofs.WORK):
            done += part
        return done

    def add(
        self, kind: MethodKind = MethodKind.SMS, address: str = SECOND_PHONE, *, of: Person = ANA, by: Person = ANA
    ) -> Method:
        return contact_methods.add_contact_method(
            of.id, kind, address, verified_at=None, by=by.actor, now=self.now, label="Second phone"
        )

    def code(self, method: Method, *, by: Actor = ANA.actor, provider: Provider | None = None) -> str:
        """A code that was sent, as its owner reads it."""
        contact_methods.ask_code(method.id, by=by, now=self.now)
        self.work()
        found = CODE.search((provider or self.sms).wire[-1].body)
        assert found, "no code in the message"
        return found[1]

    def verified(self, kind: MethodKind = MethodKind.SMS, address: str = SECOND_PHONE) -> Method:
        method = self.add(kind, address)
        providers = {MethodKind.SMS: self.sms, MethodKind.EMAIL: self.email, MethodKind.APPRISE: self.push}
        contact_methods.type_code(method.id, self.code(method, provider=providers[kind]), by=ANA.actor, now=self.now)
        return method


@pytest.fixture
def clinic(database: Database) -> Clinic:  # noqa: ARG001 (it stands behind every call)
    factories.clinic()
    open_now = Clinic()
    open_now.wire()
    return open_now


def stands(method: Method) -> Method:
    return next(one for one in contact_methods.contact_methods(method.user_id) if one.id == method.id)


def proofs() -> list[sa.RowMapping]:
    with transaction() as tx:
        return list(tx.run(sa.text("SELECT * FROM contact_proof ORDER BY due_at")).mappings())


def test_a_new_phone_is_paged_once_its_owner_has_typed_the_code_that_was_texted_there(clinic: Clinic) -> None:
    method = clinic.add()
    assert not stands(method).is_live

    code = clinic.code(method)
    contact_methods.type_code(method.id, f" {code[:3]} {code[3:]} ", by=ANA.actor, now=clinic.now)

    assert stands(method).is_live
    assert clinic.sms.wire[-1].to == "+12025550119"
    assert code not in repr(proofs())


@pytest.mark.parametrize(
    ("kind", "address", "fit"),
    [
        (MethodKind.EMAIL, "Ana.Second@Example.org", "ana.second@example.org"),
        (MethodKind.APPRISE, "ntfys://daytwo-ana-Secret", "ntfys://daytwo-ana-Secret"),
        (MethodKind.VOICE, "202 555 0118", "+12025550118"),
    ],
)
def test_each_kind_gets_its_code_by_its_own_way(clinic: Clinic, kind: MethodKind, address: str, fit: str) -> None:
    provider: Provider = {
        MethodKind.EMAIL: clinic.email,
        MethodKind.APPRISE: clinic.push,
        MethodKind.VOICE: clinic.voice,
    }[kind]
    method = clinic.add(kind, address)
    contact_methods.ask_code(method.id, by=ANA.actor, now=clinic.now)

    clinic.work()

    (sent,) = provider.wire
    assert sent.to == fit
    assert re.search(r"code is (\d ?){6}", sent.body)


def test_digits_are_said_one_by_one(clinic: Clinic) -> None:
    method = clinic.add(MethodKind.VOICE, "202 555 0118")
    contact_methods.ask_code(method.id, by=ANA.actor, now=clinic.now)
    clinic.work()

    said = re.search(r"code is ((?:\d ){5}\d)", clinic.voice.wire[-1].body)

    assert said
    contact_methods.type_code(method.id, said[1], by=ANA.actor, now=clinic.now)
    assert stands(method).is_live


def test_five_wrong_codes_and_the_right_one_opens_nothing_more(clinic: Clinic) -> None:
    method = clinic.add()
    code = clinic.code(method)
    wrong = "000000" if code != "000000" else "111111"

    said = []
    for _ in range(5):
        with pytest.raises(Refused) as refused:
            contact_methods.type_code(method.id, wrong, by=ANA.actor, now=clinic.now)
        said.append(refused.value.message)
    with pytest.raises(Refused, match="Too many wrong codes"):
        contact_methods.type_code(method.id, code, by=ANA.actor, now=clinic.now)

    assert said[0] == "This is not the code. 4 tries left."
    assert said[3] == "This is not the code. 1 try left."
    assert said[4] == "Too many wrong codes. Send a new one."
    assert not stands(method).is_live


def test_a_code_is_good_for_ten_minutes_and_only_the_newest_one(clinic: Clinic) -> None:
    method = clinic.add()
    first = clinic.code(method)
    clinic.now += timedelta(minutes=1)
    second = clinic.code(method)

    for late, code in ((timedelta(0), first), (timedelta(minutes=10), second)):
        if code != second or late:
            with pytest.raises(Refused):
                contact_methods.type_code(method.id, code, by=ANA.actor, now=clinic.now + late)
    contact_methods.type_code(method.id, second, by=ANA.actor, now=clinic.now + timedelta(minutes=9))

    assert stands(method).is_live


def test_codes_are_not_sent_in_haste_and_five_an_hour_at_most(clinic: Clinic) -> None:
    method = clinic.add()
    clinic.code(method)
    with pytest.raises(Refused, match="on its way"):
        contact_methods.ask_code(method.id, by=ANA.actor, now=clinic.now + timedelta(seconds=29))
    for _ in range(4):
        clinic.now += timedelta(minutes=1)
        clinic.code(method)

    with pytest.raises(Refused, match="Wait an hour"):
        contact_methods.ask_code(method.id, by=ANA.actor, now=clinic.now + timedelta(minutes=2))

    assert len(clinic.sms.wire) == 5


def test_a_manager_adds_a_phone_for_a_colleague_and_only_the_colleague_can_verify_it(clinic: Clinic) -> None:
    method = clinic.add(of=ANA, by=LENA)

    with pytest.raises(Refused, match="Only the person"):
        contact_methods.ask_code(method.id, by=LENA.actor, now=clinic.now)
    code = clinic.code(method)
    with pytest.raises(Refused, match="Only the person"):
        contact_methods.type_code(method.id, code, by=LENA.actor, now=clinic.now)

    contact_methods.type_code(method.id, code, by=ANA.actor, now=clinic.now)
    assert stands(method).is_live


@pytest.mark.parametrize(
    ("kind", "address", "complaint"),
    [
        (MethodKind.SMS, "12", "not a phone number"),
        (MethodKind.SMS, "+44 20 7946 0958", "cannot receive texts"),
        (MethodKind.VOICE, "call me", "not a phone number"),
        (MethodKind.EMAIL, "ana", "email address"),
        (MethodKind.EMAIL, "ana @example.org", "email address"),
        (MethodKind.APPRISE, "nonsense", "not an address"),
        (MethodKind.SMS, "202-555-0112", "already"),
    ],
)
def test_an_address_that_cannot_be_paged_is_refused_beside_its_field(
    clinic: Clinic, kind: MethodKind, address: str, complaint: str
) -> None:
    with pytest.raises(Refused, match=complaint) as refused:
        clinic.add(kind, address)

    assert refused.value.field == "address"


def test_a_landline_may_ring(clinic: Clinic) -> None:
    assert clinic.add(MethodKind.VOICE, "+44 20 7946 0958").address == "+442079460958"


def test_the_last_verified_way_to_somebody_on_the_last_resort_stays(clinic: Clinic) -> None:
    (own,) = contact_methods.contact_methods(LENA.id)
    unproved = clinic.add(of=LENA, by=LENA)
    with pytest.raises(Refused, match="last resort"):
        contact_methods.remove_contact_method(own.id, by=LENA.actor, now=clinic.now)

    contact_methods.type_code(unproved.id, clinic.code(unproved, by=LENA.actor), by=LENA.actor, now=clinic.now)
    contact_methods.remove_contact_method(own.id, by=LENA.actor, now=clinic.now)

    assert [one.id for one in contact_methods.contact_methods(LENA.id)] == [unproved.id]


def test_whoever_is_not_on_the_last_resort_may_remove_the_only_way(clinic: Clinic) -> None:
    (own,) = contact_methods.contact_methods(ANA.id)

    contact_methods.remove_contact_method(own.id, by=ANA.actor, now=clinic.now)

    assert contact_methods.contact_methods(ANA.id) == ()
    with pytest.raises(NotFound):
        contact_methods.remove_contact_method(own.id, by=ANA.actor, now=clinic.now)


def delays() -> list[int]:
    return [rule.delay_s for rule in reach.of(ANA.id).rules]


def test_wishes_are_used_in_their_order_and_one_of_them_always_at_once(clinic: Clinic) -> None:
    method = clinic.verified()
    wish = {"by": ANA.actor, "now": clinic.now}

    with pytest.raises(Refused, match="at once"):
        notification_rules.add_rule(method.id, delay=timedelta(minutes=5), **wish)
    notification_rules.add_rule(method.id, delay=timedelta(0), **wish)
    notification_rules.add_rule(method.id, delay=timedelta(minutes=5), **wish)
    assert delays() == [0, 300]

    first, second = reach.of(ANA.id).rules
    with pytest.raises(Refused, match="at once"):
        notification_rules.remove_rule(first.id, ANA.id, **wish)
    notification_rules.remove_rule(second.id, ANA.id, **wish)
    notification_rules.remove_rule(first.id, ANA.id, **wish)
    assert delays() == []


@pytest.mark.parametrize("minutes", [-1, 61])
def test_a_delay_is_an_hour_at_most(clinic: Clinic, minutes: int) -> None:
    method = clinic.verified()

    with pytest.raises(Refused, match="0 and 60"):
        notification_rules.add_rule(method.id, delay=timedelta(minutes=minutes), by=ANA.actor, now=clinic.now)


def test_the_same_wish_twice_is_refused_and_another_persons_is_not_found(clinic: Clinic) -> None:
    method = clinic.verified()
    wish = {"by": ANA.actor, "now": clinic.now}
    notification_rules.add_rule(method.id, delay=timedelta(0), **wish)

    with pytest.raises(Refused, match="already"):
        notification_rules.add_rule(method.id, delay=timedelta(0), **wish)
    (rule,) = reach.of(ANA.id).rules
    with pytest.raises(NotFound):
        notification_rules.remove_rule(rule.id, SAM.id, **wish)


def test_with_a_method_its_wishes_go(clinic: Clinic) -> None:
    method = clinic.verified()
    notification_rules.add_rule(method.id, delay=timedelta(0), by=ANA.actor, now=clinic.now)

    contact_methods.remove_contact_method(method.id, by=ANA.actor, now=clinic.now)

    assert delays() == []


def test_a_provider_that_is_busy_is_asked_again_with_a_new_code(clinic: Clinic) -> None:
    method = clinic.add()
    clinic.sms.answers(Outcome.TRY_LATER)
    contact_methods.ask_code(method.id, by=ANA.actor, now=clinic.now)
    clinic.work()
    clinic.now += timedelta(seconds=20)

    clinic.work()

    lost, sent = (CODE.search(one.body) for one in clinic.sms.wire)
    assert lost
    assert sent
    contact_methods.type_code(method.id, sent[1], by=ANA.actor, now=clinic.now)
    assert stands(method).is_live


def test_a_refusal_for_good_is_not_repeated_and_is_shown(clinic: Clinic) -> None:
    method = clinic.add()
    clinic.sms.answers(Outcome.REFUSED)
    contact_methods.ask_code(method.id, by=ANA.actor, now=clinic.now)
    clinic.work()
    clinic.now += timedelta(minutes=5)
    clinic.work()

    shown = reach.of(ANA.id).proofs[method.id, ProofPurpose.VERIFY]
    assert len(clinic.sms.wire) == 1
    assert shown.state == "failed"


def test_a_sender_that_died_is_followed_by_another(clinic: Clinic) -> None:
    method = clinic.add()
    contact_methods.ask_code(method.id, by=ANA.actor, now=clinic.now)

    class Killed(BaseException):
        """The process ends here."""

    def die(*_args: object, **_named: object) -> None:
        raise Killed

    clinic.sms.send = die  # type: ignore[method-assign, assignment]
    with pytest.raises(Killed):
        clinic.work()
    del clinic.sms.send
    assert clinic.work() == 0

    clinic.now += timedelta(seconds=LEASE_S)
    clinic.work()
    clinic.now += timedelta(seconds=20)
    clinic.work()

    assert len(clinic.sms.wire) == 1


def test_a_method_that_was_put_away_gets_no_code(clinic: Clinic) -> None:
    method = clinic.add()
    contact_methods.ask_code(method.id, by=ANA.actor, now=clinic.now)
    contact_methods.remove_contact_method(method.id, by=ANA.actor, now=clinic.now)

    clinic.work()

    assert clinic.sms.wire == []


def test_no_transaction_is_open_while_a_code_is_sent(clinic: Clinic) -> None:
    class CuriousSms(FakeSms):
        """Looks whether anybody holds a transaction."""

        def take(self, to: str, body: str, **named: object):  # type: ignore[no-untyped-def, override]
            with transaction() as tx:
                others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                busy = " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND backend_type = 'client backend'"
                self.open = tx.run(sa.text(others + busy)).scalar_one()
            return super().take(to, body, **named)  # type: ignore[arg-type]

    clinic.sms = CuriousSms()
    clinic.wire()
    clinic.code(clinic.add())

    assert clinic.sms.open == 0
