"""Protocols at the command line: published by two people, listed, read in words, and compared."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from survey import clock, settings
from survey.cli import daytwo
from survey.domain.errors import DomainError, NotFound, Refused
from survey.services import protocols, versions
from tests import desk, factories
from tests.cast import ANA, LENA, PEOPLE
from tests.conftest import Database
from tests.desk import SLUG

Run = Callable[..., Result]
TWO_PEOPLE = (f"--author={ANA.email}", f"--approver={LENA.email}")


@pytest.fixture
def run(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs a command against this test's database; what it refused is raised."""
    environ = {"DATABASE_URL": database.url, "REDIS_URL": "redis://localhost:1", "SECRET_KEY": "x" * 40}
    for name, value in (environ | {"PUBLIC_URL": "http://127.0.0.1:8000"}).items():
        monkeypatch.setenv(name, value)
    factories.people(PEOPLE)

    def command(*words: str) -> Result:
        result = CliRunner().invoke(daytwo, ["protocol", *words])
        if isinstance(result.exception, DomainError):
            raise result.exception
        return result

    settings.load.cache_clear()
    yield command
    settings.load.cache_clear()


@pytest.fixture
def second(tmp_path: Path) -> str:
    """A second version, whose first rule says another why."""
    file = tmp_path / "second.yaml"
    text = desk.PACK.read_text(encoding="utf-8").replace("version: 1", "version: 2", 1)
    file.write_text(text.replace("why: ", "why: Now ", 1), encoding="utf-8")
    return str(file)


def test_a_file_is_published_by_two_people_and_listed_with_both(run: Run, second: str) -> None:
    assert run("publish", str(desk.PACK), *TWO_PEOPLE).output == f"{SLUG} version 1: published.\n"
    assert run("publish", second, *TWO_PEOPLE).output == f"{SLUG} version 2: published.\n"
    assert run("publish", str(desk.PACK), *TWO_PEOPLE).output == f"{SLUG} version 1: retired.\n"

    told = run("list").output

    (new, old) = protocols.every()
    assert [line.split()[:2] for line in told.splitlines()[1::2]] == [["v2", "published"], ["v1", "retired"]]
    assert told.count(f"by {ANA.email}, approved by {LENA.email}") == 2
    assert new.certificate is not None
    assert f"certificate {new.certificate[:12]}; " in told
    assert old.retired_at is not None
    assert f"retired {old.retired_at:%Y-%m-%d %H:%M} UTC" in told


def test_without_a_file_every_pack_that_ships_is_published(run: Run) -> None:
    assert run("list").output == "There is no protocol yet. Publish one with `daytwo protocol publish`.\n"

    run("publish", *TWO_PEOPLE)

    assert {one.slug for one in protocols.published()} >= {SLUG, "lumbar-epidural-steroid-injection"}


def test_who_signs_has_to_be_two_known_people(run: Run) -> None:
    assert "Missing option '--approver'" in run("publish", str(desk.PACK), f"--author={ANA.email}").output
    with pytest.raises(Refused, match=r"Nobody has the account nobody@example.org \(--approver\).*user create"):
        run("publish", str(desk.PACK), f"--author={ANA.email}", "--approver=nobody@example.org")
    with pytest.raises(Refused, match="Two people are needed"):
        run("publish", str(desk.PACK), f"--author={LENA.email}", f"--approver={LENA.email}")
    assert protocols.every() == ()


def test_a_protocol_is_read_in_words(run: Run) -> None:
    run("publish", str(desk.PACK), *TWO_PEOPLE)

    told = run("show", SLUG).output

    pack = protocols.newest()[0]
    assert f"{pack.title['en']}, version 1" in told
    assert all(rule.why in told for rule in pack.rules)
    assert run("show", SLUG, "1").output == told


def test_what_is_not_there_is_told_with_what_is(run: Run) -> None:
    with pytest.raises(NotFound, match="Published: none; `daytwo protocol publish`"):
        run("show", SLUG)
    run("publish", str(desk.PACK), *TWO_PEOPLE)

    with pytest.raises(NotFound, match=f"No protocol “knee” is published. Published: {SLUG}"):
        run("show", "knee")
    with pytest.raises(NotFound, match="no version 7"):
        run("show", SLUG, "7")


def test_two_versions_are_compared_in_words(run: Run, second: str) -> None:
    run("publish", str(desk.PACK), *TWO_PEOPLE)
    run("publish", second, *TWO_PEOPLE)

    told = run("diff", SLUG, "1", "2").output

    assert "    + Now " in told
    assert "    - " in told
    assert run("diff", SLUG, "1", "1").output == f"Versions 1 and 1 of {SLUG} say the same.\n"


def test_a_manager_retires_a_version_and_an_author_discards_a_draft(run: Run, second: str) -> None:
    run("publish", str(desk.PACK), *TWO_PEOPLE)
    versions.draft(Path(second).read_text(encoding="utf-8"), name="second", by=ANA.actor, now=clock.now())
    with pytest.raises(Refused, match="Only a manager"):
        run("retire", SLUG, "1", f"--by={ANA.email}")
    with pytest.raises(Refused, match="somebody else’s"):
        run("discard", SLUG, "2", f"--by={LENA.email}")
    with pytest.raises(Refused, match=r"Nobody has the account nobody@example.org \(--by\)"):
        run("discard", SLUG, "2", "--by=nobody@example.org")

    assert run("discard", SLUG, "2", f"--by={ANA.email}").output == f"{SLUG} version 2: discarded.\n"
    assert run("retire", SLUG, "1", f"--by={LENA.email}").output == f"{SLUG} version 1: retired.\n"

    assert [(one.version, one.state) for one in protocols.every()] == [(1, "retired")]
