"""A confirmed event that a version would take less seriously: each is signed by a second person before publishing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from survey.domain.alerts import Outcome, Usefulness
from survey.domain.downgrades import Terms
from survey.domain.errors import Refused, Stale
from survey.domain.protocol import Tier
from survey.domain.versions import Version, VersionState
from survey.services import downgrades, protocols, versions
from tests import desk, surveys
from tests.cast import ANA, BEN, LENA, ROOT, SAM, Person
from tests.conftest import Database
from tests.desk import SLUG
from tests.lowering_version import DEEP, closed, event, listed, response, sign, source, verified
from tests.staff import BREATHLESS, CALM, answered

NOW = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
SAME = desk.PACK.read_text(encoding="utf-8").replace("\nversion: 1\n", "\nversion: 2\n")
"""The first version under another number."""
NEVER_ASKS = SAME.replace("day2", "day3")
"""Knows the one contact by another name."""


@pytest.fixture(autouse=True)
def clinic(database: Database) -> Database:
    surveys.open_clinic(NOW)
    return database


def publish(version: Version) -> Version:
    return versions.publish(version.id, approver=LENA.actor, now=LATER)


def change(version: Version, text: str) -> Version:
    """Ana writes another text into her version, and proves it."""
    by = {"by": ANA.actor, "now": LATER}
    versions.change(version.id, text, name="draft.yaml", expected_sha256=version.sha256, **by)
    assert versions.verify(version.id, now=LATER).holds
    return protocols.numbered(SLUG, version.version)


def signatures() -> int:
    return int(desk.rows("SELECT count(*) AS n FROM downgrade_signature")[0]["n"])


def tiers(version: Version) -> list[tuple[UUID, Tier, Tier | None]]:
    return [(one.weighed.response_id, one.weighed.before, one.weighed.after) for one in listed(version)]


def test_a_confirmed_event_that_would_be_taken_less_seriously_is_listed_with_its_alert_and_the_rule() -> None:
    response_id = event(now=NOW)

    version = verified(now=NOW)
    (found,) = listed(version)

    assert tiers(version) == [(response_id, Tier.URGENT, Tier.ROUTINE)]
    assert found.weighed.because == ("U1",)
    assert (found.event.name, found.event.outcome) == ("Maria Lindqvist", Outcome.SENT_TO_EMERGENCY)
    assert found.event.short_no == desk.rows("SELECT short_no FROM alert")[0]["short_no"]
    assert found.is_unsigned


@pytest.mark.parametrize("usefulness", [Usefulness.WORTH_IT, Usefulness.NOT_NEEDED])
def test_an_alert_that_turned_out_to_be_no_event_is_not_listed(usefulness: Usefulness) -> None:
    closed(response(DEEP, now=NOW), usefulness, now=NOW)
    response(DEEP, now=NOW)

    version = verified(now=NOW)

    assert listed(version) == ()
    assert publish(version).state is VersionState.PUBLISHED


def test_an_event_that_keeps_its_tier_or_rises_is_not_listed() -> None:
    event({**CALM, "breath": "exert"}, now=NOW)

    assert listed(verified(now=NOW)) == ()


def test_the_worst_that_was_ever_said_counts_although_the_patient_took_it_back() -> None:
    case = surveys.invited(NOW)
    answered(case, BREATHLESS, now=NOW)
    answered(case, CALM, now=NOW)
    closed(UUID(str(surveys.response_of(case)["id"])), now=NOW)

    assert [(before, after) for _, before, after in tiers(verified(now=NOW))] == [(Tier.URGENT, Tier.ROUTINE)]


def test_an_event_that_could_never_be_scored_counts_with_the_tier_that_was_acted_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def cannot(*_: object, **__: object) -> None:
        raise TypeError

    with monkeypatch.context() as broken:
        broken.setattr("survey.services.scores._judged", cannot)
        response_id = event(CALM, now=NOW)
    assert desk.rows("SELECT count(*) AS n FROM score")[0]["n"] == 0

    version = verified(SAME, now=NOW)

    assert tiers(version) == [(response_id, Tier.URGENT, Tier.ROUTINE)]
    with pytest.raises(Refused, match="1 confirmed event less seriously"):
        publish(version)


def test_an_event_at_a_contact_that_the_version_never_asks_is_listed_and_needs_no_signature() -> None:
    response_id = event(now=NOW)
    version = verified(NEVER_ASKS, now=NOW)

    assert tiers(version) == [(response_id, Tier.URGENT, None)]
    assert publish(version).state is VersionState.PUBLISHED


def test_publishing_is_refused_until_the_last_is_signed() -> None:
    first, second = event(now=NOW), event(now=NOW, given_name="Juan")
    version = verified(now=NOW)
    with pytest.raises(Refused, match=r"2 confirmed events less seriously.*page “Publish”"):
        publish(version)

    sign(version, first, by=LENA, now=NOW)
    with pytest.raises(Refused, match="1 confirmed event less seriously"):
        publish(version)
    sign(version, second, by=LENA, now=NOW)

    assert publish(version).state is VersionState.PUBLISHED
    signed = [one.signature for one in listed(version)]
    assert [(one.by, one.at, one.reason) for one in signed if one] == [(LENA.id, NOW, "Image clear.")] * 2
    assert protocols.numbered(SLUG, 1).state is VersionState.RETIRED


def test_nothing_is_changed_by_a_refusal() -> None:
    event(now=NOW)
    version = verified(now=NOW)

    with pytest.raises(Refused):
        publish(version)

    assert protocols.numbered(SLUG, 2) == version
    assert protocols.numbered(SLUG, 1).state is VersionState.PUBLISHED


def test_a_file_is_refused_as_well_and_leaves_nothing() -> None:
    event(now=NOW)

    with pytest.raises(Refused, match=r"1 confirmed event.*keep its text as a draft on the page “Protocols”"):
        versions.publish_file(source(), name="v2.yaml", author=ANA.actor, approver=LENA.actor, now=LATER)

    assert [(one.version, one.state) for one in protocols.every()] == [(1, VersionState.PUBLISHED)]


def test_an_event_that_is_confirmed_after_all_was_signed_still_stops_publishing() -> None:
    version = verified(now=NOW)
    sign(version, event(now=NOW), by=LENA, now=NOW)
    late = response(DEEP, now=NOW)
    assert not any(one.is_unsigned for one in listed(version))

    closed(late, now=NOW)

    with pytest.raises(Refused, match="1 confirmed event"):
        publish(version)


def test_a_signature_is_bound_to_the_text() -> None:
    response_id, version = event(now=NOW), verified(now=NOW)
    sign(version, response_id, by=LENA, now=NOW)

    other = change(version, source() + "# A word.\n")

    assert [one.is_unsigned for one in listed(other)] == [True]
    with pytest.raises(Refused, match="1 confirmed event"):
        publish(other)
    back = change(other, source())
    assert publish(back).state is VersionState.PUBLISHED  # the very text that was signed


def test_a_signature_is_bound_to_the_two_tiers() -> None:
    response_id, version = event(now=NOW), verified(now=NOW)
    sign(version, response_id, by=LENA, now=NOW)

    add_score(response_id, Tier.EMERGENCY)

    assert tiers(version) == [(response_id, Tier.EMERGENCY, Tier.ROUTINE)]
    assert [one.is_unsigned for one in listed(version)] == [True]


def add_score(response_id: UUID, tier: Tier) -> None:
    """As if later answers had been scored so."""
    desk.change(
        "UPDATE response SET revision = revision + 1, scored_revision = revision + 1 WHERE id = :id", id=response_id
    )
    desk.change(
        """INSERT INTO score (response_id, revision, tier, fired, answers, context, protocol_sha256, at)
        SELECT response_id, revision + 1, :tier, fired, answers, context, protocol_sha256, at FROM score
        WHERE response_id = :id ORDER BY revision DESC LIMIT 1""",
        id=response_id,
        tier=tier.value,
    )


def test_what_has_changed_since_it_was_read_is_not_signed() -> None:
    response_id, version = event(now=NOW), verified(now=NOW)
    (read,) = listed(version)
    assert read.terms is not None
    change(version, source() + "# A word.\n")

    for terms in (read.terms, replace(read.terms, sha256="0" * 64), replace(read.terms, before=Tier.SOON)):
        with pytest.raises(Stale, match="have changed since you read them"):
            downgrades.sign(version.id, response_id, terms=terms, reason="Fine.", by=LENA.actor, now=NOW)
    assert signatures() == 0


@pytest.mark.parametrize(
    ("author", "signer", "said"),
    [
        (LENA, LENA, "Two people"),
        (ANA, ANA, "Two people"),
        (ANA, BEN, "Only a manager"),
        (ANA, SAM, "Only a manager"),
        (ANA, ROOT, "Only a manager"),
    ],
)
def test_a_manager_who_did_not_write_the_version_signs_and_nobody_else(
    author: Person, signer: Person, said: str
) -> None:
    response_id, version = event(now=NOW), verified(now=NOW, by=author)

    with pytest.raises(Refused, match=said):
        sign(version, response_id, by=signer, now=NOW)
    assert signatures() == 0


@pytest.mark.parametrize(("reason", "said"), [("", "Write why"), ("  \n", "Write why"), ("x" * 501, "at most 500")])
def test_a_signature_has_a_reason(reason: str, said: str) -> None:
    response_id, version = event(now=NOW), verified(now=NOW)

    with pytest.raises(Refused, match=said) as refused:
        sign(version, response_id, by=LENA, now=NOW, reason=reason)
    assert refused.value.field == "reason"
    sign(version, response_id, by=LENA, now=NOW, reason="x" * 500)


def test_a_button_pressed_twice_signs_once_and_the_trail_names_no_patient() -> None:
    response_id, version = event(now=NOW), verified(now=NOW)

    for reason in ("Image clear.", "Another reason."):
        sign(version, response_id, by=LENA, now=NOW, reason=reason)

    assert signatures() == 1
    (line,) = desk.rows("SELECT actor_id, object_id, detail FROM audit_event WHERE action = 'downgrade.signed'")
    assert (line["actor_id"], line["object_id"]) == (LENA.id, version.id)
    assert line["detail"] == {"response": str(response_id), "before": "urgent", "after": "routine"}


def test_there_is_nothing_to_sign_of_a_version_in_force() -> None:
    response_id, version = event(now=NOW), verified(now=NOW)
    sign(version, response_id, by=LENA, now=NOW)
    publish(version)

    terms = Terms(sha256=version.sha256, before=Tier.URGENT, after=Tier.ROUTINE)
    with pytest.raises(Refused, match="nothing left to sign"):
        downgrades.sign(version.id, response_id, terms=terms, reason="Once more.", by=LENA.actor, now=LATER)


def test_a_signature_never_changes(clinic: Database) -> None:
    sign(verified(now=NOW), event(now=NOW), by=LENA, now=NOW)

    with psycopg.connect(clinic.owner_url.replace("+psycopg", "")) as owner, pytest.raises(psycopg.Error):
        owner.execute("UPDATE downgrade_signature SET reason = 'Another.'")
