"""A protocol version from its draft to its end: proved, approved by a second person, and handed to who waits."""

from datetime import timedelta
from uuid import UUID

import pytest

from survey.domain.accounts import SYSTEM
from survey.domain.errors import NotFound, Refused, Stale
from survey.domain.versions import Unproved, Version, VersionState
from survey.interop.protocol_yaml import ProtocolError
from survey.services import accounts, protocols, sheets, versions
from survey.store import protocols as store
from survey.store.session import transaction
from tests import desk
from tests.cast import ANA, BEN, LENA, ROOT, SAM, Person
from tests.conftest import Database
from tests.desk import AT_THE_DESK, SLUG, WEDNESDAY_TEN
from tests.staff import CALM

TEXT = desk.PACK.read_text(encoding="utf-8")
LATER = AT_THE_DESK + timedelta(hours=1)


def numbered(version: int, text: str = TEXT) -> str:
    """The pack with another version number."""
    return text.replace("version: 1", f"version: {version}", 1)


BROKEN = numbered(2).replace("tier: emergency", "tier: soon")
"""Its red flags are no emergency."""


@pytest.fixture(autouse=True)
def clinic(database: Database) -> Database:
    desk.open_clinic()
    return database


def drafted(text: str = numbered(2), *, by: Person = ANA) -> Version:
    return versions.draft(text, name="draft.yaml", by=by.actor, now=AT_THE_DESK)


def verified(text: str = numbered(2), *, by: Person = ANA) -> Version:
    draft = drafted(text, by=by)
    assert versions.verify(draft.id, now=AT_THE_DESK).holds
    return stored(draft.id)


def stored(version_id: UUID) -> Version:
    return next(one for one in protocols.every() if one.id == version_id)


def trail(version_id: UUID) -> list[tuple[str, UUID | None]]:
    query = (
        "SELECT action, actor_id FROM audit_event WHERE object_id = :id AND action LIKE 'protocol.%' ORDER BY at, id"
    )
    return [(row["action"], row["actor_id"]) for row in desk.rows(query, id=version_id)]


def live() -> UUID:
    with transaction() as tx:
        return protocols.live(tx, SLUG)[0]


def test_a_draft_is_proved_and_put_in_force_by_a_manager_and_the_one_before_it_is_retired() -> None:
    first = live()
    draft = drafted()
    assert live() == first
    assert draft.state is VersionState.DRAFT

    proof = versions.verify(draft.id, now=AT_THE_DESK)
    assert (proof.holds, stored(draft.id).certificate) == (True, proof.certificate)
    assert stored(draft.id).answer_sets == proof.answer_sets
    assert live() == first
    versions.publish(draft.id, approver=LENA.actor, now=LATER)

    assert live() == draft.id
    assert (stored(draft.id).author, stored(draft.id).published_by) == (ANA.id, LENA.id)
    assert (stored(first).state, stored(first).retired_at) == (VersionState.RETIRED, LATER)
    assert set(trail(draft.id)) == {
        ("protocol.drafted", ANA.id),
        ("protocol.proved", None),
        ("protocol.published", LENA.id),
    }
    assert ("protocol.retired", LENA.id) in trail(first)
    protocols.check_all()


def test_a_draft_whose_proof_fails_stays_one_and_says_what_is_wrong() -> None:
    draft = drafted(BROKEN)

    proof = versions.verify(draft.id, now=AT_THE_DESK)

    kept = stored(draft.id)
    assert not proof.holds
    assert (kept.state, kept.certificate) == (VersionState.DRAFT, None)
    assert kept.objections == tuple(one.says for checked in proof.checks for one in checked.objections) != ()
    cases = [case for record in kept.proof or () for _, *case in record.objections if case]
    assert all(case[-1].startswith(("all else well, on day2: ", "gives ")) for case in cases)
    assert len(cases) > 3
    with pytest.raises(Refused, match="not proved"):
        versions.publish(draft.id, approver=LENA.actor, now=LATER)


def test_a_proof_that_takes_too_long_is_refused_and_leaves_the_draft_as_it_was() -> None:
    draft = drafted(numbered(2) + "# Proved by nobody else.\n")

    with pytest.raises(Refused, match="too large to be proved"):
        versions.verify(draft.id, now=AT_THE_DESK, seconds=0)

    assert stored(draft.id) == draft


@pytest.mark.parametrize(
    ("author", "approver", "said"),
    [(LENA, LENA, "Two people"), (ANA, BEN, "Only a manager"), (ANA, SAM, "Only a manager"), (ANA, ROOT, "Only a man")],
)
def test_a_version_is_put_in_force_by_a_manager_who_did_not_write_it(
    author: Person, approver: Person, said: str
) -> None:
    version = verified(by=author)

    with pytest.raises(Refused, match=said):
        versions.publish(version.id, approver=approver.actor, now=LATER)
    assert stored(version.id).state is VersionState.VERIFIED


def test_the_approver_has_the_role_as_the_account_stands_now_and_not_as_the_session_says() -> None:
    version = verified()
    desk.change("UPDATE app_user SET role = 'staff' WHERE id = :id", id=LENA.id)
    with pytest.raises(Refused, match="Only a manager"):
        versions.publish(version.id, approver=LENA.actor, now=LATER)

    desk.change("UPDATE app_user SET role = 'manager' WHERE id = :id", id=LENA.id)
    accounts.disable(LENA.id, by=ROOT.actor, now=LATER)
    with pytest.raises(Refused, match="not in use"):
        versions.publish(version.id, approver=LENA.actor, now=LATER)


def test_the_system_writes_and_approves_nothing() -> None:
    with pytest.raises(Refused, match="never by the system"):
        versions.draft(numbered(2), name="draft", by=SYSTEM, now=AT_THE_DESK)
    with pytest.raises(Refused, match="never by the system"):
        versions.publish_file(numbered(2), name="v2", author=ANA.actor, approver=SYSTEM, now=AT_THE_DESK)


def test_a_changed_version_is_a_draft_again_and_has_to_be_proved_anew() -> None:
    version = verified()

    changed = versions.change(
        version.id, numbered(2) + "# A word.\n", name="d", expected_sha256=version.sha256, by=ANA.actor, now=LATER
    )

    assert (changed.state, stored(version.id)) == (VersionState.DRAFT, changed)
    with pytest.raises(Refused, match="not proved"):
        versions.publish(version.id, approver=LENA.actor, now=LATER)


def test_the_same_text_again_changes_nothing_and_costs_no_proof() -> None:
    version = verified()

    same = versions.change(
        version.id, version.source, name="d", expected_sha256=version.sha256, by=ANA.actor, now=LATER
    )

    assert same == stored(version.id) == version
    with pytest.raises(Refused, match="somebody else’s"):
        versions.change(version.id, version.source, name="d", expected_sha256=version.sha256, by=LENA.actor, now=LATER)


@pytest.mark.parametrize("slug", ["trigger-point-injection", "lumbar-epidural-steroid-injection"])
def test_a_copy_is_the_whole_text_with_the_next_free_number_and_nothing_else_changed(slug: str) -> None:
    pack = desk.PACK.parents[1] / slug / "v1.yaml"
    text = pack.read_text(encoding="utf-8")
    one = versions.publish_file(text, name="v1", author=ANA.actor, approver=LENA.actor, now=LATER)
    assert versions.copied(one) == numbered(2, text)

    drafted(numbered(7, text))

    assert versions.copied(one) == numbered(8, text)
    assert versions.next_number("knee") == 1


def test_of_two_changes_to_one_text_the_second_is_told_so() -> None:
    draft = drafted()
    first = {"name": "d", "expected_sha256": draft.sha256, "by": ANA.actor, "now": LATER}
    versions.change(draft.id, numbered(2) + "# One.\n", **first)

    with pytest.raises(Stale, match="changed meanwhile"):
        versions.change(draft.id, numbered(2) + "# Two.\n", **first)
    assert stored(draft.id).source.endswith("# One.\n")


def test_a_draft_has_to_be_a_protocol_and_its_number_free() -> None:
    with pytest.raises(ProtocolError, match=r"mine.yaml:\d+: "):
        versions.draft(
            numbered(2).replace("tier: urgent", "tier: dreadful", 1), name="mine.yaml", by=ANA.actor, now=LATER
        )
    with pytest.raises(Refused, match=f"Version 1 of {SLUG} exists already.*: 2 is free"):
        drafted(TEXT)

    draft = drafted()
    with pytest.raises(Refused, match=f"Version 1 of {SLUG} exists already"):
        versions.change(draft.id, TEXT, name="d", expected_sha256=draft.sha256, by=ANA.actor, now=LATER)


def test_a_draft_is_thrown_away_by_its_author_and_a_published_version_by_nobody() -> None:
    draft = drafted()
    with pytest.raises(Refused, match="somebody else’s"):
        versions.discard(draft.id, by=LENA.actor, now=LATER)
    with pytest.raises(Refused, match="stays"):
        versions.discard(live(), by=ANA.actor, now=LATER)

    versions.discard(draft.id, by=ANA.actor, now=LATER)

    assert draft.id not in {one.id for one in protocols.every()}


def test_a_candidate_in_shadow_is_not_in_force_and_can_be_published() -> None:
    first, version = live(), verified()

    versions.shadow(version.id, days=14, by=ANA.actor, now=LATER)

    assert (stored(version.id).shadow_from, stored(version.id).shadow_until) == (LATER, LATER + timedelta(days=14))
    assert live() == first
    assert versions.publish(version.id, approver=LENA.actor, now=LATER).state is VersionState.PUBLISHED


def test_an_older_number_than_the_one_in_force_is_not_put_in_force() -> None:
    desk.change("UPDATE protocol_version SET state = 'retired', retired_at = now()")
    third = versions.publish_file(numbered(3), name="v3", author=ANA.actor, approver=LENA.actor, now=LATER)

    with pytest.raises(Refused, match="higher version than 3"):
        versions.publish_file(numbered(2), name="v2", author=ANA.actor, approver=LENA.actor, now=LATER)
    assert live() == third.id


def test_a_file_is_proved_and_published_in_one_go_and_again_changes_nothing() -> None:
    again = {"name": "v2.yaml", "author": ANA.actor, "approver": LENA.actor, "now": LATER}
    published = versions.publish_file(numbered(2), **again)

    assert stored(published.id) == published
    assert published.state is VersionState.PUBLISHED
    assert versions.publish_file(numbered(2), **again) == published
    assert versions.publish_file(TEXT, **again).state is VersionState.RETIRED
    with pytest.raises(Refused, match="is published and cannot change"):
        versions.publish_file(numbered(2) + "# A word.\n", **again)
    with pytest.raises(Refused, match="is retired and cannot change"):
        versions.publish_file(TEXT + "# A word.\n", **again)


def test_a_file_whose_proof_fails_is_refused_with_the_objections_and_leaves_nothing() -> None:
    with pytest.raises(Refused, match=r"(?s)v2.yaml cannot be published, since its proof fails:.*red flag"):
        versions.publish_file(BROKEN, name="v2.yaml", author=ANA.actor, approver=LENA.actor, now=LATER)

    assert [one.version for one in protocols.every()] == [1]


def test_a_file_needs_two_people_before_anything_is_proved() -> None:
    with pytest.raises(Refused, match="Two people"):
        versions.publish_file(numbered(2), name="v2", author=LENA.actor, approver=LENA.actor, now=LATER)
    drafted()
    with pytest.raises(Refused, match="is draft already"):
        versions.publish_file(numbered(2), name="v2", author=ANA.actor, approver=LENA.actor, now=LATER)


def test_a_protocol_that_is_retired_has_no_new_patients() -> None:
    with pytest.raises(Refused, match="Only a manager"):
        versions.retire(live(), by=ANA.actor, now=LATER)

    versions.retire(live(), by=LENA.actor, now=LATER)

    with pytest.raises(NotFound, match="No protocol"):
        desk.enrol(desk.maria())
    assert protocols.newest() == ()


def pinned(invitation_id: UUID) -> int:
    """The version that a survey is asked with."""
    query = """SELECT v.version FROM invitation i JOIN protocol_version v ON v.id = i.protocol_version_id
    WHERE i.id = :id"""
    (row,) = desk.rows(query, id=invitation_id)
    return int(row["version"])


def publish_second(text: str = numbered(2)) -> None:
    versions.publish(verified(text).id, approver=LENA.actor, now=WEDNESDAY_TEN)


def test_a_survey_that_was_not_sent_moves_to_the_new_version() -> None:
    waits = desk.enrol(desk.maria())
    cannot_be_texted = desk.enrol(desk.juan(consent=False, consent_how=None))

    publish_second()

    assert pinned(waits.invitation_id) == pinned(cannot_be_texted.invitation_id) == 2


def test_a_patient_begins_while_a_version_is_held() -> None:
    enrolled = desk.enrol(desk.maria())

    with transaction() as tx:  # as while a version is being published, or a what-if of it is started
        store.get_for_update(tx, live())
        store.live_for_update(tx, SLUG)
        sheets.enter_by_phone(enrolled.invitation_id, CALM, by=SAM.actor, now=WEDNESDAY_TEN)

    assert desk.invitation_state(enrolled.invitation_id)[0] == "completed"


def test_a_survey_that_was_sent_or_begun_ends_on_its_version() -> None:
    sent = desk.enrol(desk.maria())
    with desk.texting():
        desk.send(WEDNESDAY_TEN)
    begun = desk.enrol(desk.juan())
    sheets.enter_by_phone(begun.invitation_id, CALM, by=SAM.actor, now=WEDNESDAY_TEN)
    desk.change("UPDATE invitation SET state = 'scheduled', completed_at = NULL WHERE id = :id", id=begun.invitation_id)

    publish_second()

    assert desk.invitation_state(sent.invitation_id)[0] == "sent"
    assert pinned(sent.invitation_id) == pinned(begun.invitation_id) == 1


def test_a_survey_whose_contact_the_new_version_does_not_know_stays_on_its_version() -> None:
    waits = desk.enrol(desk.maria())
    desk.change("UPDATE invitation SET touch = 'day9' WHERE id = :id", id=waits.invitation_id)

    publish_second()

    assert pinned(waits.invitation_id) == 1


def test_what_was_published_before_proofs_is_proved_once_by_whichever_worker_starts(clinic: Database) -> None:
    _from_before(clinic)

    assert versions.prove_old(now=LATER) == 1

    (one,) = protocols.every()
    assert one.certificate is not None
    assert versions.prove_old(now=LATER) == 0
    protocols.check_all()


def test_what_was_published_before_proofs_and_cannot_be_proved_is_named_with_the_way_out(clinic: Database) -> None:
    _from_before(clinic, BROKEN)

    with pytest.raises(Unproved, match=r"(?s)Version 1 of .* the proof fails: .*higher version"):
        versions.prove_old(now=LATER)


def _from_before(database: Database, text: str = TEXT) -> None:
    desk.as_owner(
        database,
        """UPDATE protocol_version SET before_proofs = true, certificate = NULL, verifier = NULL, proof = NULL,
        author = NULL, published_by = NULL, source = %(text)s,
        sha256 = encode(sha256(convert_to(%(text)s, 'UTF8')), 'hex')""",
        text=text,
    )
