"""What a clinician's thumb may type to take an alert, and what never counts as that."""

import pytest

from survey.domain import reply_codes
from survey.domain.reply_codes import Ack


@pytest.mark.parametrize(
    ("body", "number"),
    [
        ("7", 7),
        (" 7. ", 7),
        ("ack 7", 7),
        ("ACK 4821", 4821),
        ("Ack #4821", 4821),
        ("ack A-4821!", 4821),
        ("A-4821", 4821),
        ("ack", None),
        ("Ack!", None),
    ],
)
def test_a_code_or_ack_asks_for_an_alert(body: str, number: int | None) -> None:
    assert reply_codes.read(body) == Ack(number=number)


CARRIERS = ("STOP", "CANCEL", "END", "QUIT", "YES", "START", "unstop", "stop 7", "END 7", "yes 7")
OTHERS = ("y", "ok", "a", "7 8", "7 please", "ack7x", "", "acknowledged", "pain 7", "1234567890123", "-")


@pytest.mark.parametrize("body", CARRIERS + OTHERS)
def test_words_of_the_carriers_and_all_other_words_ask_for_none(body: str) -> None:
    assert reply_codes.read(body) is None


def test_a_list_of_codes_is_cut_where_a_text_ends() -> None:
    codes = {code: 1000 + code for code in range(9, 0, -1)}

    assert reply_codes.listed({2: 1002, 1: 1001}) == "1 for 1001, 2 for 1002"
    assert reply_codes.listed(codes).endswith("6 for 1006, ...")


def test_without_a_free_code_the_alerts_own_number_is_asked_for() -> None:
    assert reply_codes.called(7, 4821) == "7"
    assert reply_codes.called(None, 4821) == "ack 4821"
