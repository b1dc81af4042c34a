"""How many segments a text takes on the wire: 7-bit signs while all of them are in the GSM alphabet, else 16-bit."""

from enum import StrEnum

# 3GPP TS 23.038, section 6.2.1: the default alphabet, and the extension table, whose signs take two places.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")


class Encoding(StrEnum):
    """How the carrier writes the text."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


_SINGLE = {Encoding.GSM7: 160, Encoding.UCS2: 70}
# A part of several carries a header of six bytes.
_OF_SEVERAL = {Encoding.GSM7: 153, Encoding.UCS2: 67}


def segments(text: str) -> tuple[Encoding, int]:
    """The encoding a carrier has to choose, and how many segments it makes."""
    encoding = Encoding.GSM7 if all(sign in BASIC or sign in EXTENSION for sign in text) else Encoding.UCS2
    widths = [_width(sign, encoding) for sign in text]
    if sum(widths) <= _SINGLE[encoding]:
        return encoding, 1
    return encoding, _parts(widths, _OF_SEVERAL[encoding])


def excess(text: str) -> int:
    """How many signs are too many for one segment, as the carrier counts them; 0 when it fits."""
    return max(0, length(text) - _SINGLE[segments(text)[0]])


def length(text: str) -> int:
    """How many places its signs take, as the carrier counts them."""
    encoding = segments(text)[0]
    return sum(_width(sign, encoding) for sign in text)


def foreign(text: str) -> str:
    """The signs that are not in the GSM alphabet, each once."""
    return "".join(sorted({sign for sign in text if sign not in BASIC and sign not in EXTENSION}))


def _width(sign: str, encoding: Encoding) -> int:
    if encoding is Encoding.GSM7:
        return 2 if sign in EXTENSION else 1
    return len(sign.encode("utf-16-be")) // 2


def _parts(widths: list[int], room: int) -> int:
    """How many parts these signs fill; a sign of two places is never cut in half."""
    parts, used = 1, 0
    for width in widths:
        if used + width > room:
            parts, used = parts + 1, 0
        used += width
    return parts
