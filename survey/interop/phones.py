"""Phone numbers as people type them, read by the rules of the clinic's country; E.164 out."""

from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from survey.domain.errors import Refused
from survey.domain.patients import Block

DEFAULT_REGION = "US"
LONGEST = 40
# A number of a territory is a domestic one for a clinic in the United States.
_DOMESTIC = {"US": frozenset({"US", "PR", "VI", "GU", "AS", "MP"})}
# Where fixed and mobile numbers share one plan, as in North America, the library cannot tell a landline.
_TEXTED = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.VOIP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A number in E.164; `block` says why it cannot be texted, if it cannot."""

    e164: str
    block: Block | None = None


def read(typed: str, *, region: str = DEFAULT_REGION) -> Phone:
    """The number that somebody typed, in the country `region` (ISO, two letters). Raises Refused when it is none."""
    number = _parse(typed, region)
    if number is None or not phonenumbers.is_valid_number(number):
        raise Refused(f"“{typed[:LONGEST]}” is not a phone number. Check the digits and the area code.", field="mobile")
    return Phone(e164=phonenumbers.format_number(number, PhoneNumberFormat.E164), block=_block(number, region))


def region_of(e164: str) -> str:
    """The country of a number, for instance of the clinic's own; the United States when it cannot be told."""
    number = _parse(e164, DEFAULT_REGION)
    return (number and phonenumbers.region_code_for_number(number)) or DEFAULT_REGION


@lru_cache(maxsize=256)
def national(e164: str) -> str:
    """The number as people of its own country write it. Asked with every message for the clinic's own."""
    number = _parse(e164, DEFAULT_REGION)
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL) if number else e164


def _parse(typed: str, region: str) -> PhoneNumber | None:
    if len(typed) > LONGEST:
        return None
    try:
        return phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException:
        return None


def _block(number: PhoneNumber, region: str) -> Block | None:
    country = phonenumbers.region_code_for_number(number)
    if country not in _DOMESTIC.get(region, {region}):
        return Block.FOREIGN
    texted = phonenumbers.number_type(number) in _TEXTED and not number.extension
    return None if texted else Block.LANDLINE
