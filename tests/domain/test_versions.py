"""The life of a protocol version: every move of the grid, and who may make it."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import uuid4

import pytest

from survey.domain import seals
from survey.domain import versions as rules
from survey.domain.accounts import Role
from survey.domain.errors import Refused
from survey.domain.proofs import VERIFIER, Case, Check, Checked, Judged, Objection, Proof, certificate
from survey.domain.protocol import Tier
from survey.domain.seals import Seal
from survey.domain.versions import MOVES, Person, Unproved, Version, VersionState
from survey.interop import protocol_yaml
from survey.settings import ROOT

NOW = datetime(2026, 3, 9, 16, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
PACK = protocol_yaml.load(ROOT / "config/protocols/trigger-point-injection/v1.yaml")
ANOTHER = protocol_yaml.load(PACK.source_text + "# Another word.\n")

ANA = Person(id=uuid4(), role=Role.CLINICIAN, active=True)
LENA = Person(id=uuid4(), role=Role.MANAGER, active=True)
S = VersionState


def proof(*says: str, sha256: str = PACK.sha256, verifier: str = VERIFIER) -> Proof:
    """A proof that holds, or one that fails for these reasons."""
    objections = tuple(Objection(says=each) for each in says)
    checks = tuple(Checked(check=check, seconds=0.1, objections=objections) for check in Check)
    return Proof(sha256=sha256, verifier=verifier, answer_sets=10**20, tiers={}, checks=checks, seconds=0.8)


DRAFT = rules.drafted(PACK, version_id=uuid4(), author=ANA, now=NOW)
VERIFIED = rules.proved(DRAFT, proof(), PACK)
SHADOW = rules.in_shadow(VERIFIED, by=ANA, days=7, now=NOW)
PUBLISHED = rules.published(VERIFIED, approver=LENA, live=None, now=NOW)
RETIRED = rules.retired(PUBLISHED, now=LATER)
EVERY = {one.state: one for one in (DRAFT, VERIFIED, SHADOW, PUBLISHED, RETIRED)}


@pytest.mark.parametrize(("state", "to"), list(product(S, S)))
def test_a_version_moves_as_the_table_says_and_not_otherwise(state: VersionState, to: VersionState) -> None:
    if to in MOVES[state]:
        assert rules.moved(EVERY[state], to).state is to
    else:
        with pytest.raises(Refused, match=f"is {state} and cannot become {to}"):
            rules.moved(EVERY[state], to)


def test_the_way_of_a_version_is_dated_and_signed() -> None:
    assert (DRAFT.author, DRAFT.made_at, DRAFT.certificate) == (ANA.id, NOW, None)
    assert (VERIFIED.state, VERIFIED.certificate) == (S.VERIFIED, certificate(PACK.sha256))
    assert VERIFIED.answer_sets == 10**20
    assert [record.check for record in VERIFIED.proof or ()] == [check.value for check in Check]
    assert (SHADOW.shadow_from, SHADOW.shadow_until) == (NOW, NOW + timedelta(days=7))
    assert (PUBLISHED.published_by, PUBLISHED.published_at) == (LENA.id, NOW)
    assert (RETIRED.state, RETIRED.retired_at) == (S.RETIRED, LATER)


@pytest.mark.parametrize("standing", [VERIFIED, SHADOW])
def test_another_text_is_a_draft_again_and_loses_its_proof(standing: Version) -> None:
    changed = rules.changed(standing, ANOTHER, by=ANA, now=LATER)

    assert (changed.state, changed.sha256, changed.changed_at) == (S.DRAFT, ANOTHER.sha256, LATER)
    assert (changed.certificate, changed.proof, changed.shadow_until) == (None, None, None)


@pytest.mark.parametrize("standing", [PUBLISHED, RETIRED])
def test_what_was_published_never_changes(standing: Version) -> None:
    with pytest.raises(Refused, match="cannot become draft"):
        rules.changed(standing, ANOTHER, by=ANA, now=LATER)
    with pytest.raises(Refused, match="stays"):
        rules.check_discard(standing, by=ANA)
    assert rules.proved(standing, proof("No."), PACK) == standing


def test_only_the_author_changes_or_discards_a_draft_so_that_nobody_approves_words_of_their_own() -> None:
    with pytest.raises(Refused, match="somebody else’s"):
        rules.changed(DRAFT, ANOTHER, by=LENA, now=LATER)
    with pytest.raises(Refused, match="somebody else’s"):
        rules.check_discard(DRAFT, by=LENA)


def test_a_draft_stays_one_of_its_protocol() -> None:
    with pytest.raises(Refused, match="Put the name back"):
        rules.changed(DRAFT, replace(ANOTHER, slug="knee"), by=ANA, now=LATER)


@pytest.mark.parametrize("standing", [DRAFT, VERIFIED, SHADOW])
def test_a_version_whose_proof_fails_is_a_draft_that_knows_why(standing: Version) -> None:
    failed = rules.proved(standing, proof("It falls."), PACK)

    assert (failed.state, failed.certificate) == (S.DRAFT, None)
    assert "It falls." in failed.objections


def test_a_failed_proof_keeps_the_smallest_case_with_both_tiers_and_the_rules() -> None:
    before, after = (
        Judged(case=Case(touch="day2", answers={"sore": sore}, context={}), tier=tier, rules=fired)
        for sore, tier, fired in ((6, Tier.SOON, ("S1",)), (7, Tier.ROUTINE, ()))
    )
    falls = Checked(
        check=Check.MONOTONE, seconds=0.1, objections=(Objection(says="It falls.", before=before, after=after),)
    )

    failed = rules.proved(DRAFT, replace(proof(), checks=(falls,)), PACK)

    (record,) = failed.proof or ()
    ((says, *case),) = record.objections
    assert (says, failed.objections) == ("It falls.", ("It falls.",))
    assert "Soreness: 6 of 10" in case
    assert "all else well, on day2: SOON, by S1" in case
    assert case[-2:] == ["then Soreness: 6 of 10 → 7 of 10", "gives ROUTINE, by no rule"]


def test_a_proof_of_another_text_counts_for_nothing() -> None:
    with pytest.raises(Refused, match="changed while it was being proved"):
        rules.proved(DRAFT, proof(sha256=ANOTHER.sha256), PACK)


@pytest.mark.parametrize(
    ("version", "approver", "live", "said"),
    [
        (VERIFIED, replace(LENA, id=ANA.id), None, "Two people are needed"),
        (VERIFIED, replace(LENA, role=Role.CLINICIAN), None, "Only a manager"),
        (VERIFIED, replace(LENA, role=Role.ADMIN), None, "Only a manager"),
        (VERIFIED, replace(LENA, active=False), None, "not in use"),
        (replace(VERIFIED, author=None), LENA, None, "without an author"),
        (DRAFT, LENA, None, "is not proved"),
        (replace(VERIFIED, certificate=certificate(ANOTHER.sha256)), LENA, None, "Prove it again"),
        (replace(VERIFIED, certificate=certificate(PACK.sha256, "0"), verifier="0"), LENA, None, "older Daytwo"),
        (replace(VERIFIED, source=ANOTHER.source_text), LENA, None, "Prove it again"),
        (replace(VERIFIED, sha256=ANOTHER.sha256), LENA, None, "Prove it again"),
        (VERIFIED, LENA, PUBLISHED, "higher version than 1"),
        (PUBLISHED, LENA, None, "cannot become published"),
    ],
)
def test_publishing_is_refused_with_the_reason(
    version: Version, approver: Person, live: Version | None, said: str
) -> None:
    with pytest.raises(Refused, match=said):
        rules.published(version, approver=approver, live=live, now=NOW)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda gone: rules.drafted(PACK, version_id=uuid4(), author=gone, now=NOW),
        lambda gone: rules.changed(replace(DRAFT, author=gone.id), ANOTHER, by=gone, now=NOW),
        lambda gone: rules.in_shadow(VERIFIED, by=gone, days=7, now=NOW),
        lambda gone: rules.check_discard(replace(DRAFT, author=gone.id), by=gone),
        lambda gone: rules.check_manager(replace(gone, role=Role.MANAGER)),
    ],
)
def test_an_account_that_is_not_in_use_moves_nothing(attempt: Callable[[Person], object]) -> None:
    with pytest.raises(Refused, match="not in use"):
        attempt(replace(ANA, active=False))


@pytest.mark.parametrize("days", [0, 91])
def test_a_shadow_has_a_sensible_length(days: int) -> None:
    with pytest.raises(Refused, match="1 to 90 days"):
        rules.in_shadow(VERIFIED, by=ANA, days=days, now=NOW)


def test_a_pack_whose_proof_fails_is_refused_with_every_objection() -> None:
    rules.refuse_unproved(proof(), "v1.yaml")

    with pytest.raises(Refused, match=r"(?s)v1.yaml cannot be published.*It falls.*It is dead"):
        rules.refuse_unproved(proof("It falls.", "It is dead."), "v1.yaml")


def test_a_version_from_before_proofs_gets_its_certificate_or_is_refused_with_the_reason() -> None:
    old = replace(PUBLISHED, certificate=None, verifier=None, author=None, before_proofs=True)

    assert rules.proved_late(old, proof(), PACK).certificate == certificate(PACK.sha256)
    with pytest.raises(Unproved, match=r"It falls.*higher version"):
        rules.proved_late(old, proof("It falls."), PACK)


def seal(**changes: object) -> Seal:
    text = hashlib.sha256(b"text").hexdigest()
    known = Seal(
        id=uuid4(),
        slug="knee",
        version=2,
        state=S.PUBLISHED,
        sha256=text,
        found_sha256=text,
        certificate=certificate(text, "0"),
        verifier="0",
        before_proofs=False,
    )
    return replace(known, **changes)


@pytest.mark.parametrize(
    "good",
    [
        seal(),
        seal(state=S.RETIRED),
        seal(before_proofs=True),
        seal(before_proofs=True, certificate=None, verifier=None),
    ],
)
def test_what_was_published_and_left_alone_is_known_again_whatever_verifier_proved_it(good: Seal) -> None:
    assert seals.broken(good) is None


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (seal(found_sha256="f" * 64), "was changed in the database"),
        (seal(found_sha256="f" * 64, before_proofs=True, certificate=None), "was changed in the database"),
        (seal(found_sha256="f" * 64, sha256="f" * 64), "a certificate that is not its own"),
        (seal(verifier="1"), "a certificate that is not its own"),
        (seal(certificate=None, verifier=None), "a certificate that is not its own"),
        (seal(state=S.DRAFT), "is draft, and a survey began on it"),
        (seal(state=S.SHADOW), "is shadow, and a survey began on it"),
    ],
)
def test_what_was_tampered_with_is_told_with_its_version_and_the_way_out(bad: Seal, said: str) -> None:
    assert seals.broken(bad) is not None
    assert f"Version 2 of knee {said}" in (seals.broken(bad) or "").replace("has a", "a")
    assert "higher version" in (seals.broken(bad) or "")


def test_a_file_strays_only_from_a_published_version_of_its_own_number() -> None:
    every = (seal(), seal(version=3, state=S.DRAFT))
    same = {("knee", 2): every[0].sha256, ("knee", 3): "f" * 64, ("hip", 2): "f" * 64}

    assert seals.strayed(every, same) == ()
    assert len(seals.strayed(every, {**same, ("knee", 2): "f" * 64})) == 1
