"""What the database itself refuses about protocol versions, whoever asks."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import psycopg
import pytest
from alembic import command
from psycopg import errors

from survey.domain.versions import CheckRecord, Version
from survey.services import versions
from survey.store import migrate
from survey.store import protocols as store
from survey.store.session import transaction
from tests import desk, factories
from tests.cast import ANA, LENA, NIGHT, PEOPLE
from tests.conftest import Database


def _get(version_id: UUID) -> Version:
    with transaction() as tx:
        return store.get(tx, version_id)


@pytest.fixture
def owner(database: Database) -> Iterator[psycopg.Connection]:
    """A connection as the owner of the tables, in a clinic whose protocol is published."""
    factories.people(PEOPLE)
    desk.publish(now=NIGHT)
    with psycopg.connect(database.owner_url.replace("+psycopg", ""), autocommit=True) as connection:
        yield connection


RETIRE = "UPDATE protocol_version SET state = 'retired', retired_at = now()"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE protocol_version SET source = source || ' '",
        "UPDATE protocol_version SET title = 'Another'",
        "UPDATE protocol_version SET certificate = repeat('0', 64)",
        "UPDATE protocol_version SET published_by = NULL",
        "UPDATE protocol_version SET state = 'draft', published_at = NULL",
        f"{RETIRE}, title = 'Another'",
        "DELETE FROM protocol_version",
        "TRUNCATE protocol_version CASCADE",
    ],
)
@pytest.mark.parametrize("first", ["SELECT 1", RETIRE], ids=["published", "retired"])
def test_not_even_the_owner_changes_what_was_published(owner: psycopg.Connection, first: str, change: str) -> None:
    owner.execute(first)

    with pytest.raises(errors.RestrictViolation):
        owner.execute(change)


def test_what_is_published_may_be_retired_once_and_with_its_date(owner: psycopg.Connection) -> None:
    with pytest.raises(errors.CheckViolation):
        owner.execute("UPDATE protocol_version SET state = 'retired'")

    owner.execute(RETIRE)

    with pytest.raises(errors.RestrictViolation):
        owner.execute(RETIRE)


NEW = """INSERT INTO protocol_version (id, slug, version, title, sha256, source, made_at, changed_at, state, author,
    certificate, verifier, published_at, published_by, before_proofs)
    VALUES (gen_random_uuid(), 'knee', 1, 'Knee', repeat('0', 64), '', now(), now(), 'published', %(author)s,
    %(certificate)s, %(verifier)s, now(), %(approver)s, %(before_proofs)s)"""
WHOLE = {
    "author": ANA.id,
    "certificate": "0" * 64,
    "verifier": "1",
    "approver": LENA.id,
    "before_proofs": False,
}


@pytest.mark.parametrize(
    "lack",
    [
        {"author": None},
        {"approver": None},
        {"author": LENA.id},
        {"certificate": None, "verifier": None},
        {"verifier": None},
        {"before_proofs": True},
    ],
)
def test_nothing_is_published_without_a_proof_and_two_people(
    owner: psycopg.Connection, lack: dict[str, object]
) -> None:
    with pytest.raises(errors.CheckViolation):
        owner.execute(NEW, WHOLE | lack)

    assert owner.execute(NEW, WHOLE).rowcount == 1


def test_one_version_of_a_protocol_is_in_force(owner: psycopg.Connection) -> None:
    owner.execute(NEW, WHOLE)

    with pytest.raises(errors.UniqueViolation, match="protocol_version_one_live"):
        owner.execute(NEW.replace("'knee', 1", "'knee', 2"), WHOLE)


def test_a_draft_may_be_changed_and_deleted_and_a_proof_dies_with_its_text(owner: psycopg.Connection) -> None:
    text = desk.PACK.read_text(encoding="utf-8").replace("version: 1", "version: 2", 1)
    draft = versions.draft(text, name="draft", by=ANA.actor, now=NIGHT)
    versions.verify(draft.id, now=NIGHT)

    with pytest.raises(errors.CheckViolation, match="another text is a draft again"):
        owner.execute("UPDATE protocol_version SET source = '' WHERE version = 2")
    with pytest.raises(errors.CheckViolation, match="illegal protocol move verified -> retired"):
        owner.execute("UPDATE protocol_version SET state = 'retired' WHERE version = 2")
    change = "source = '', state = 'draft', certificate = NULL, verifier = NULL"
    assert owner.execute(f"UPDATE protocol_version SET {change} WHERE version = 2").rowcount == 1
    assert owner.execute("DELETE FROM protocol_version WHERE version = 2").rowcount == 1


def test_a_proof_kept_before_the_smallest_case_was_told_is_still_read(owner: psycopg.Connection) -> None:
    text = desk.PACK.read_text(encoding="utf-8").replace("version: 1", "version: 2", 1)
    draft = versions.draft(text, name="draft", by=ANA.actor, now=NIGHT)
    kept = '[{"check": "monotone", "seconds": 0.2, "objections": ["It falls."]}]'
    owner.execute("UPDATE protocol_version SET proof = %s WHERE id = %s", (kept, draft.id))

    read = _get(draft.id)

    assert read.proof == (CheckRecord(check="monotone", seconds=0.2, objections=(("It falls.",),)),)
    assert read.objections == ("It falls.",)


def test_what_older_databases_published_stays_in_force_unproved_and_gets_its_proof_once(
    owner: psycopg.Connection, database: Database
) -> None:
    settings = migrate.config(database.owner_url)
    command.downgrade(settings, "0004")
    owner.execute("ALTER TABLE protocol_version DISABLE TRIGGER never_changed")
    owner.execute("UPDATE protocol_version SET published_by = NULL")
    owner.execute("ALTER TABLE protocol_version ENABLE TRIGGER never_changed")
    owner.execute("""INSERT INTO protocol_version (id, slug, version, title, sha256, source, published_at)
        VALUES (gen_random_uuid(), 'trigger-point-injection', 2, 'Newer', repeat('0', 64), '', now())""")
    command.upgrade(settings, "head")
    settings.attributes["engine"].dispose()

    with transaction() as tx:
        newer, older = store.every(tx)
    assert [(one.state, one.before_proofs, one.certificate) for one in (newer, older)] == [
        ("published", True, None),
        ("retired", True, None),
    ]
    assert older.retired_at == newer.published_at
    owner.execute(
        "UPDATE protocol_version SET certificate = repeat('1', 64), verifier = '1' WHERE id = %s", (newer.id,)
    )
    with pytest.raises(errors.RestrictViolation):
        owner.execute("UPDATE protocol_version SET certificate = repeat('2', 64) WHERE id = %s", (newer.id,))
    with pytest.raises(errors.RestrictViolation):
        owner.execute(
            "UPDATE protocol_version SET certificate = repeat('1', 64), verifier = '1', source = ' ' WHERE id = %s",
            (older.id,),
        )
    assert replace(newer, certificate="1" * 64, verifier="1") == _get(newer.id)
