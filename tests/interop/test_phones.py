"""Numbers as people type them, read by the rules of the clinic's country."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.domain.errors import Refused
from survey.domain.patients import Block
from survey.interop import phones


@pytest.mark.parametrize(
    "typed",
    [
        "+12025550123",
        "(202) 555-0123",
        "202.555.0123",
        "1-202-555-0123",
        " 202 555 0123 ",
        "２０２５５５０１２３",
    ],
)
def test_one_number_in_many_hands_is_one_number(typed: str) -> None:
    assert phones.read(typed).e164 == "+12025550123"


@pytest.mark.parametrize(
    ("typed", "region", "block"),
    [
        ("+12025550123", "US", None),
        ("787-555-0123", "US", None),
        ("+12045550123", "US", Block.FOREIGN),
        ("+44 7400 123456", "US", Block.FOREIGN),
        ("07400 123456", "GB", None),
        ("020 7946 0123", "GB", Block.LANDLINE),
        ("800-555-0123", "US", Block.LANDLINE),
        ("202-555-0123 ext. 5", "US", Block.LANDLINE),
    ],
    ids=["US", "Puerto Rico", "Canada", "abroad", "British mobile", "British landline", "toll-free", "extension"],
)
def test_what_cannot_be_texted_is_told_apart(typed: str, region: str, block: Block | None) -> None:
    assert phones.read(typed, region=region).block is block


@pytest.mark.parametrize("typed", ["", "555-0123", "123", "abc", "+1 202 555 01234", "9" * 41, "=1+1"])
def test_what_is_no_number_is_refused_with_a_sentence(typed: str) -> None:
    with pytest.raises(Refused, match="is not a phone number") as refused:
        phones.read(typed)

    assert refused.value.field == "mobile"


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(typed: str) -> None:
    try:
        phone = phones.read(typed)
    except Refused:
        return
    assert phones.read(phone.e164).e164 == phone.e164


def test_the_clinics_own_number_names_its_country_and_is_shown_as_people_write_it() -> None:
    assert (phones.region_of("+442079460123"), phones.national("+442079460123")) == ("GB", "020 7946 0123")
    assert (phones.region_of("+12025550100"), phones.national("+12025550100")) == ("US", "(202) 555-0100")
