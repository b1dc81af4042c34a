"""The demo's carrier: keeps what it was sent, answers as it is told to, and shows phones that can be used."""

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from unittest.mock import ANY

import httpx
import pytest

from survey.local import carrier as carriers
from survey.local.carrier import Carrier
from survey.local.carrier_journal import Journal, Script
from survey.messaging import twilio_sms
from survey.messaging.webhooks import Reply, Webhook

PHONE = "+12025550121"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def carrier(folder: Path) -> Iterator[Carrier]:
    with carriers.running(folder) as carrier:
        yield carrier


def text(carrier: Carrier, body: str, *, to: str = PHONE, callback: str = "") -> httpx.Response:
    form = {"To": to, "From": "+12025550100", "Body": body, "StatusCallback": callback}
    address = f"{carrier.url}/2010-04-01/Accounts/AC0/Messages.json"
    return httpx.post(address, data=form, auth=("AC0", "secret"), trust_env=False)


def page(carrier: Carrier, path: str) -> str:
    answer = httpx.get(carrier.url + path, trust_env=False)
    assert answer.status_code == 200
    return answer.text


def test_a_text_stands_on_its_phone_with_a_link_that_works(carrier: Carrier) -> None:
    text(carrier, "Clinic: check-in http://127.0.0.1:8000/s/abc\nSTOP <b>now</b> & then")

    thread = page(carrier, f"/phones/{PHONE}")

    assert 'href="http://127.0.0.1:8000/s/abc"' in thread
    assert "&lt;b&gt;now&lt;/b&gt; &amp; then" in thread
    assert '<meta http-equiv="refresh" content="3">' in thread
    assert "<script" not in thread


def test_phones_are_listed_with_their_names_the_latest_first(carrier: Carrier, folder: Path) -> None:
    (folder / "phones.json").write_text(json.dumps({PHONE: "Maria's phone", "+12025550199": "Ana's phone"}))
    text(carrier, "one", to="+12025550122")
    text(carrier, "two")

    listed = re.findall(r'href="/phones/(\+\d+)"><b>([^<]+)', page(carrier, "/"))

    assert listed == [
        (PHONE, "Maria&#x27;s phone"),
        ("+12025550122", "+12025550122"),
        ("+12025550199", "Ana&#x27;s phone"),
    ]


def test_a_phone_without_texts_says_so(carrier: Carrier) -> None:
    assert "No text has arrived" in page(carrier, f"/phones/{PHONE}")
    assert "No phone has received a text yet" in page(carrier, "/")


def test_what_was_sent_outlives_a_restart_and_half_a_line(folder: Path) -> None:
    with carriers.running(folder) as before:
        text(before, "kept")
    with (folder / "carrier.jsonl").open("a") as file:
        file.write('{"at": "2026-')

    with carriers.running(folder) as after:
        journal = httpx.get(f"{after.url}/journal.json", trust_env=False).json()

    assert [entry["body"] for entry in journal["entries"]] == ["kept"]
    assert (folder / "carrier.jsonl").stat().st_mode & 0o077 == 0


def test_the_journal_can_be_read_from_a_point_on(carrier: Carrier) -> None:
    for body in ("one", "two", "three"):
        text(carrier, body)

    since = httpx.get(f"{carrier.url}/journal.json?since=2", trust_env=False).json()

    assert [entry["body"] for entry in since["entries"]] == ["three"]


def test_a_script_holds_for_one_number_or_for_all(carrier: Carrier) -> None:
    for wanted in ({"to": PHONE, "mode": "429"}, {"to": "*", "mode": "503", "times": 2}):
        assert httpx.post(f"{carrier.url}/script", json=wanted, trust_env=False).status_code == 200

    answers = [text(carrier, "x", to=to).status_code for to in (PHONE, "+12025550122", PHONE, PHONE)]

    assert answers == [429, 503, 503, 201]


@pytest.mark.parametrize("wanted", [{"to": "*", "mode": "explode"}, {"mode": "200"}, ["x"], "x"])
def test_a_script_that_makes_no_sense_is_refused(carrier: Carrier, wanted: object) -> None:
    assert httpx.post(f"{carrier.url}/script", json=wanted, trust_env=False).status_code == 400


def test_a_request_without_credentials_is_refused(carrier: Carrier) -> None:
    address = f"{carrier.url}/2010-04-01/Accounts/AC0/Messages.json"

    assert httpx.post(address, data={"To": PHONE}, trust_env=False).status_code == 401


def test_a_reply_typed_on_a_phone_is_told_to_whoever_texted_it_signed(carrier: Carrier) -> None:
    came: list[tuple[str, str, bytes]] = []

    class Clinic(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.append((self.path, self.headers["X-Twilio-Signature"], body))
            self.send_response(204)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Clinic) as clinic:
        Thread(target=clinic.handle_request, daemon=True).start()
        address = f"http://127.0.0.1:{clinic.server_port}"
        text(carrier, "Clinic: check-in", callback=f"{address}/receipts/sms/1")
        done = httpx.post(f"{carrier.url}/phones/{PHONE}/reply", data={"body": "STOP 🛑"}, trust_env=False)

    ((path, signed, body),) = came
    webhook = Webhook(url=address + path, headers={"X-Twilio-Signature": signed}, body=body)
    assert (done.status_code, done.headers["Location"]) == (303, f"/phones/{PHONE}")
    assert path == "/inbound/sms"
    assert twilio_sms.is_signed("secret", webhook)
    assert twilio_sms.reply(body) == Reply(provider_ref=ANY, sender=PHONE, body="STOP 🛑")
    assert "STOP 🛑" in page(carrier, f"/phones/{PHONE}")


def test_the_form_for_a_reply_does_not_vanish_under_the_fingers(carrier: Carrier) -> None:
    text(carrier, "Clinic: check-in")

    assert 'http-equiv="refresh"' not in page(carrier, f"/phones/{PHONE}/reply")
    assert f'href="/phones/{PHONE}/reply"' in page(carrier, f"/phones/{PHONE}")


def test_a_reply_that_the_clinic_does_not_take_says_so(carrier: Carrier) -> None:
    text(carrier, "Clinic: check-in", callback="https://clinic.example/receipts/sms/1")
    httpx.post(f"{carrier.url}/phones/{PHONE}/reply", data={"body": "Hello"}, trust_env=False)

    assert "the clinic did not take it" in page(carrier, f"/phones/{PHONE}")


def test_other_addresses_do_not_exist(carrier: Carrier) -> None:
    assert httpx.get(f"{carrier.url}/phones/../etc", trust_env=False).status_code == 404
    assert httpx.post(f"{carrier.url}/elsewhere", trust_env=False).status_code == 404


def test_a_mode_from_now_on_replaces_what_was_planned() -> None:
    script = Script()
    script.add("*", "500", times=5)

    script.add("*", "200", times=None)

    assert [script.next(PHONE) for _ in range(3)] == ["200"] * 3


def test_a_journal_without_a_file_is_kept_in_memory_alone() -> None:
    assert Journal(None).entries() == []
