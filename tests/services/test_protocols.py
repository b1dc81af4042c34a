"""A protocol is read once in a process, and is known again: what was tampered with neither starts nor scores."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier
from uuid import UUID

import pytest

from survey.domain.protocol import Protocol
from survey.domain.versions import Unproved
from survey.interop import pack_files
from survey.messaging import registry
from survey.services import health, protocols, scores, sheets, versions
from survey.store.session import transaction
from tests import desk, factories
from tests.cast import BEN, LENA, NIGHT, PEOPLE, SAM, Person
from tests.conftest import Database
from tests.desk import AT_THE_DESK, LUMBAR, SLUG, WEDNESDAY_TEN
from tests.staff import CALM

THREADS = 4


ANOTHER_TEXT = "source = replace(source, 'tier: urgent', 'tier: soon')"
ANOTHER_CERTIFICATE = "certificate = repeat('0', 64)"
ANOTHER_PACK = f"{ANOTHER_TEXT}, sha256 = encode(sha256(convert_to(source || '#', 'UTF8')), 'hex')"


def test_threads_that_ask_for_a_pack_at_once_are_given_the_same_one(database: Database) -> None:
    assert database
    factories.people(PEOPLE)
    version_id = desk.publish(now=NIGHT).id
    start = Barrier(THREADS)

    def ask(_number: int) -> Protocol:
        start.wait()
        return _get(version_id)

    with ThreadPoolExecutor(THREADS) as threads:
        packs = list(threads.map(ask, range(THREADS)))

    assert len({id(pack) for pack in packs}) == 1


def _get(version_id: UUID) -> Protocol:
    with transaction() as tx:
        return protocols.get(tx, version_id)


def test_a_draft_is_read_afresh_each_time(database: Database) -> None:
    assert database
    factories.people(PEOPLE)
    text = desk.PACK.read_text(encoding="utf-8")
    draft = versions.draft(text, name="draft", by=SAM.actor, now=NIGHT)
    assert protocols.pack(draft.id).source_text == text

    changed = f"{text}# Another word.\n"
    versions.change(draft.id, changed, name="draft", expected_sha256=draft.sha256, by=SAM.actor, now=NIGHT)

    assert protocols.pack(draft.id).source_text == changed


def test_what_is_published_passes_at_start_and_with_the_doctor(database: Database) -> None:
    assert database
    desk.open_clinic()

    protocols.check_all()

    assert {check.state for check in _told("protocols in use", "protocol files", "proofs")} == {health.State.WELL}


@pytest.mark.parametrize("change", [ANOTHER_TEXT, ANOTHER_CERTIFICATE, ANOTHER_PACK])
def test_a_version_that_was_tampered_with_is_refused_at_start_and_named_by_the_doctor_and_the_banner(
    database: Database, change: str
) -> None:
    desk.open_clinic()
    desk.as_owner(database, f"UPDATE protocol_version SET {change}")

    with pytest.raises(Unproved, match=f"Version 1 of {SLUG} .*Restore it"):
        protocols.check_all()
    (told,) = _told("protocols in use")
    assert told.state is health.State.BROKEN
    assert told.sentence in health.trouble(WEDNESDAY_TEN)


@pytest.mark.parametrize("change", [ANOTHER_TEXT, ANOTHER_CERTIFICATE, ANOTHER_PACK])
def test_a_version_that_was_tampered_with_scores_nothing_and_its_patients_are_paged_as_urgent(
    database: Database, change: str
) -> None:
    factories.clinic(now=desk.AT_THE_DESK)
    desk.publish()
    invited = desk.enrol(desk.maria())
    sheets.enter_by_phone(invited.invitation_id, CALM, by=SAM.actor, now=WEDNESDAY_TEN)
    desk.as_owner(database, f"UPDATE protocol_version SET {change}")

    scores.score_due(now=WEDNESDAY_TEN + timedelta(minutes=1))

    (response,) = desk.rows("SELECT tier, score_fault FROM response")
    assert (response["tier"], response["score_fault"]) == ("urgent", "Unproved")
    assert [row["tier"] for row in desk.rows("SELECT tier FROM alert")] == ["urgent"]
    assert desk.rows("SELECT * FROM score") == []


def test_a_file_that_changed_after_publishing_is_refused_at_start_and_named_by_the_doctor(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert database
    desk.open_clinic()
    shutil.copytree(desk.PACK.parent, tmp_path / SLUG)
    protocols.check_all(folder=tmp_path)

    with (tmp_path / SLUG / "v1.yaml").open("a", encoding="utf-8") as file:
        file.write("# One more word.\n")

    said = f"config/protocols/{SLUG}/v1.yaml is not the text that was published as version 1"
    with pytest.raises(Unproved, match=said):
        protocols.check_all(folder=tmp_path)
    monkeypatch.setattr(pack_files, "FOLDER", tmp_path)
    (told,) = _told("protocol files")
    assert (told.state, said in told.sentence) == (health.State.BROKEN, True)


def test_a_file_of_a_version_that_is_not_published_is_nobodys_trouble(database: Database, tmp_path: Path) -> None:
    assert database
    desk.open_clinic()
    (tmp_path / SLUG).mkdir()
    (tmp_path / SLUG / "v2.yaml").write_text("not finished", encoding="utf-8")
    (tmp_path / SLUG / "vnext.yaml").write_text("notes", encoding="utf-8")

    protocols.check_all(folder=tmp_path)


def _told(*names: str) -> list[health.Check]:
    registry.wire(registry.Wiring(public_url=desk.PUBLIC_URL, sms=None, email=None))
    return [check for check in health.examine(WEDNESDAY_TEN) if check.name in names]


def offered_to(who: Person, *, now: datetime = WEDNESDAY_TEN) -> list[str]:
    return [pack.slug for pack in protocols.offered(to=who.actor, now=now)]


def test_with_two_protocols_each_is_offered_first_the_one_they_enrolled_with_last(database: Database) -> None:
    assert database
    desk.open_clinic()
    desk.publish(desk.LUMBAR_PACK)
    assert offered_to(SAM) == [LUMBAR, SLUG]

    desk.enrol(desk.maria())
    assert offered_to(SAM) == offered_to(BEN) == [SLUG, LUMBAR]

    desk.enrol_lumbar(desk.juan(), by=BEN, now=AT_THE_DESK + timedelta(hours=1))
    assert offered_to(SAM) == [SLUG, LUMBAR]
    assert offered_to(BEN) == [LUMBAR, SLUG]
    assert offered_to(LENA) == [LUMBAR, SLUG]


def test_what_was_used_long_ago_or_is_retired_is_not_offered_first(database: Database) -> None:
    assert database
    desk.open_clinic()
    desk.publish(desk.LUMBAR_PACK)
    desk.enrol(desk.maria())

    assert offered_to(SAM, now=AT_THE_DESK + protocols.USED_LATELY + timedelta(days=2)) == [LUMBAR, SLUG]

    versions.retire(protocols.numbered(SLUG, 1).id, by=LENA.actor, now=WEDNESDAY_TEN)
    assert offered_to(SAM) == [LUMBAR]
