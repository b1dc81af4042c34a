"""The canary is in no list and in no figure: every page is the same without it, after it, and while it pages."""

import re
from datetime import timedelta

import pytest

from survey import clock
from survey.domain import canary as rules
from tests import canaries, staff
from tests.canaries import Mirror
from tests.cast import ANA, OLGA, ROOT, SAM, Person
from tests.staff import Desk

NONCES = re.compile(r'(name="csrf_token"[^>]*value="[^"]*")|(nonce-[\w-]+)|(nonce="[^"]*")')
PEOPLE = (ANA, OLGA, ROOT, SAM)


def read(desk: Desk, person: Person) -> dict[str, str]:
    """Every page that has an address of its own, as that person sees it."""
    desk.signed_in(person)
    rules_ = desk.client.application.url_map.iter_rules()
    paths = sorted(rule.rule for rule in rules_ if "GET" in (rule.methods or ()) and not rule.arguments)
    found = {path: desk.get(path) for path in paths}
    return {path: NONCES.sub("", page.text) for path, page in found.items() if page.status_code == 200}


@pytest.mark.parametrize("person", PEOPLE)
def test_no_page_changes(desk: Desk, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    staff.alarm(now=now)
    sink, _ = canaries.wire(has_canary=False)
    canaries.work(sink, now, begins=False)  # Ana is paged
    before = read(desk, person)
    assert len(before) > 6

    for ago in (timedelta(days=3), timedelta(minutes=20), timedelta(minutes=10)):
        canaries.work(sink, now - ago)
    assert canaries.counted() == (3, 3)
    after = read(desk, person)
    assert [path for path in before if after[path] != before[path]] == []

    canaries.stuck(sink, now)
    during = read(desk, person)
    assert [path for path in before if during[path] != before[path]] == []
    assert not any(str(rules.SITE_ID) in page for page in during.values())


def test_its_receipt_is_taken_from_its_sink_alone(desk: Desk) -> None:
    refused = desk.client.post("/receipts/canary", json={"reference": str(rules.SITE_ID)})

    assert refused.status_code == 403
    assert isinstance(canaries.wire()[0], Mirror)
