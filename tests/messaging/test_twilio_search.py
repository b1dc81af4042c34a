"""Is a lost text in Twilio's list? Only a list that surely has no such text lets it be sent again."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from uuid import uuid4

import pytest

from survey.messaging.outcomes import Finding, Lost, Trace
from survey.messaging.twilio_sms import PAGE, TwilioSms
from tests.books import Books, opened
from tests.desk import MARIAS_PHONE

TEN = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)
WORDS = "Your check-in: https://chk.northgate.example/s/x"


@pytest.fixture(scope="module")
def books() -> Iterator[Books]:
    with opened() as books:
        yield books


def search(books: Books, listed: object, *, status: int = 200, known: tuple[str, ...] = ()) -> Finding:
    """What our adapter makes of a page with these texts."""
    books.status, books.page = status, json.dumps({"messages": listed}).encode()
    return find(books.url, known=known)


def find(url: str, *, known: tuple[str, ...] = ()) -> Finding:
    sms = TwilioSms(
        base_url=url,
        account_sid="AC0",
        auth_token="secret",
        sender="+12025550100",
        receipts_url="https://chk.northgate.example/receipts/sms",
        timeout_s=5,
    )
    mark = hashlib.sha256(WORDS.encode()).digest()
    lost = Lost(reference=uuid4(), to=MARIAS_PHONE, body_sha256=mark, since=TEN, until=TEN, known=known)
    with closing(sms):
        return sms.find(lost)


def entry(body: str = "Your table is ready.", *, at: datetime | None = TEN, **more: str) -> dict[str, str]:
    created = {"date_created": format_datetime(at)} if at else {}
    return {"sid": "SM1", "body": body, "direction": "outbound-api", "status": "sent", **created, **more}


def test_an_empty_list_says_that_it_never_left(books: Books) -> None:
    assert search(books, []).trace is Trace.ABSENT


def test_our_words_are_found_among_others(books: Books) -> None:
    found = search(books, [entry(), entry(WORDS, sid="SM2")])

    assert (found.trace, found.provider_ref) == (Trace.FOUND, "SM2")


def test_a_text_of_that_minute_with_other_words_may_be_ours(books: Books) -> None:
    assert search(books, [entry("[redacted]")]).trace is Trace.UNSURE
    assert search(books, [entry("[redacted]", at=None)]).trace is Trace.UNSURE


@pytest.mark.parametrize(
    "other",
    [
        entry(at=TEN - timedelta(minutes=3)),
        entry(at=TEN + timedelta(minutes=3)),
        entry(direction="inbound"),
        entry(sid="SM-known"),
    ],
    ids=["earlier", "later", "from the patient", "another of ours"],
)
def test_a_text_that_cannot_be_ours_says_nothing(books: Books, other: dict[str, str]) -> None:
    assert search(books, [other], known=("SM-known",)).trace is Trace.ABSENT


def test_a_page_that_is_full_of_later_texts_may_hide_ours(books: Books) -> None:
    later = entry(at=TEN + timedelta(hours=1))

    assert search(books, [later] * PAGE).trace is Trace.UNSURE
    assert search(books, [later] * (PAGE - 1)).trace is Trace.ABSENT
    assert search(books, [later] * (PAGE - 1) + [entry(at=TEN - timedelta(hours=1))]).trace is Trace.ABSENT


@pytest.mark.parametrize(("listed", "status"), [([], 500), ([], 401), (None, 200), ({}, 200)])
def test_what_is_no_list_settles_nothing(books: Books, listed: object, status: int) -> None:
    assert search(books, listed, status=status).trace is Trace.UNSURE


def test_books_that_cannot_be_read_settle_nothing() -> None:
    with opened() as books:
        nobody_there = books.url

    assert find(nobody_there).trace is Trace.UNSURE
