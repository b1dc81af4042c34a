"""Fetching a calendar: what is asked for, what is refused, and that nobody makes Daytwo talk to the machines inside."""

import socket
from collections.abc import Iterator

import pytest

from survey.messaging import calendars
from survey.messaging.calendars import Unfetched
from tests import rota_calendars
from tests.rota_calendars import Server


@pytest.fixture
def server() -> Iterator[Server]:
    with rota_calendars.serving() as running:
        yield running


def known_as(monkeypatch: pytest.MonkeyPatch, *machines: str) -> None:
    """Every name leads to these machines."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (machine, 443)) for machine in machines]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_asked, **_more: found)


def test_a_calendar_is_asked_for_once_with_its_whole_path_and_unpacked(server: Server) -> None:
    server.body = b"BEGIN:VCALENDAR"

    assert calendars.fetch(server.url, local=True) == b"BEGIN:VCALENDAR"
    assert server.paths == ["/rota.ics?key=s3cret"]
    assert server.told[0]["Accept-Encoding"] == "identity"
    assert server.told[0]["Host"].startswith("127.0.0.1:")


@pytest.mark.parametrize(
    "machine",
    [
        "127.0.0.1",
        "10.0.0.7",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 (it is refused)
        "224.0.0.1",
        "::1",
        "fe80::1",
        "::ffff:10.0.0.7",
        "64:ff9b::a00:7",
        "2002:a00:7::1",
        "fd00::1",
    ],
)
def test_a_name_that_leads_inside_is_refused(monkeypatch: pytest.MonkeyPatch, machine: str) -> None:
    known_as(monkeypatch, machine)

    with pytest.raises(Unfetched, match="private network"):
        calendars.address("https://rota.example.org/a.ics")


def test_one_machine_inside_among_several_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    known_as(monkeypatch, "93.184.216.34", "10.0.0.7")

    with pytest.raises(Unfetched, match="private network"):
        calendars.address("https://rota.example.org/a.ics")


def test_the_machine_that_was_looked_up_is_the_one_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads outside when it is checked and inside a moment later does not get in."""
    answers = iter(["93.184.216.34", "10.0.0.7"])
    asked = []

    def look_up(*_asked: object, **_more: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), 443))]

    def pool(scheme: str, machine: str, host: str, _port: int | None) -> object:
        asked.append((scheme, machine, host))
        raise ValueError

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(calendars, "_pool", pool)

    with pytest.raises(Unfetched):
        calendars.fetch("https://rota.example.org/a.ics")
    assert asked == [("https", "93.184.216.34", "rota.example.org")]


@pytest.mark.parametrize(
    "typed",
    [
        "http://rota.example.org/a.ics",
        "ftp://rota.example.org/a",
        "rota.example.org/a.ics",
        "https://",
        "https://me:word@rota.example.org/a.ics",
        "https://rota.example.org:port/a.ics",
        "file:///etc/passwd",
    ],
)
def test_what_is_not_https_or_holds_a_password_is_refused(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    known_as(monkeypatch, "93.184.216.34")

    with pytest.raises(Unfetched, match="https://"):
        calendars.address(typed)


def test_webcal_is_https(monkeypatch: pytest.MonkeyPatch) -> None:
    known_as(monkeypatch, "93.184.216.34")

    assert calendars.address(" webcal://rota.example.org/a.ics ") == "https://rota.example.org/a.ics"


def test_an_address_that_leads_on_is_followed_and_each_stop_is_checked(server: Server) -> None:
    server.status, server.headers = 302, {"Location": "/other.ics"}

    with pytest.raises(Unfetched, match="leads on"):
        calendars.fetch(server.url, local=True)
    assert server.paths == ["/rota.ics?key=s3cret", "/other.ics", "/other.ics"]


def test_a_public_address_that_leads_on_into_a_private_network_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Leads:
        status, headers = 302, {"Location": "https://127.0.0.1/latest"}

        def close(self) -> None: ...

    monkeypatch.setattr(calendars, "_ask", lambda _url, _machine: Leads())
    answers = iter(["93.184.216.34", "127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_m: [(2, 1, 6, "", (next(answers), 443))])

    with pytest.raises(Unfetched, match="private network"):
        calendars.fetch("https://rota.example.org/a.ics")


def test_more_than_a_megabyte_is_not_read_on(server: Server) -> None:
    server.body = b"x" * 1_100_000

    with pytest.raises(Unfetched, match="1 MB"):
        calendars.fetch(server.url, local=True)


@pytest.mark.parametrize(("status", "words"), [(404, "answers 404"), (500, "answers 500")])
def test_an_answer_that_is_none_says_its_number_and_never_the_address(server: Server, status: int, words: str) -> None:
    server.status = status

    with pytest.raises(Unfetched, match=words) as refused:
        calendars.fetch(server.url, local=True)
    assert "s3cret" not in str(refused.value)


def test_what_is_packed_is_not_unpacked(server: Server) -> None:
    server.headers = {"Content-Encoding": "gzip"}

    with pytest.raises(Unfetched, match="packed"):
        calendars.fetch(server.url, local=True)


def test_a_server_that_is_away_is_told() -> None:
    with pytest.raises(Unfetched, match="does not answer"):
        calendars.fetch("http://127.0.0.1:1/a.ics", local=True)
