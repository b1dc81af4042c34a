"""A self-signed certificate for tests of TLS, made here so that no key lies in the repository and no tool is needed."""

import base64
import hashlib
import random
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

BITS = 2048
PUBLIC_EXPONENT = 65_537
_ROUNDS = 16
_RSA = bytes.fromhex("06092a864886f70d010101")
_SHA256_WITH_RSA = bytes.fromhex("06092a864886f70d01010b")
_SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
_NULL = b"\x05\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Paths of a certificate, which is its own authority, and of its key."""

    certificate: Path
    key: Path


def write(folder: Path, *names: str) -> Certificate:
    """A certificate for these host names, and for 127.0.0.1 when `localhost` is among them."""
    made = Certificate(certificate=folder / "cert.pem", key=folder / "key.pem")
    modulus, private, primes = _key()
    made.certificate.write_text(_pem("CERTIFICATE", _certificate(modulus, private, names)), encoding="ascii")
    made.key.write_text(_pem("RSA PRIVATE KEY", _private(modulus, private, primes)), encoding="ascii")
    return made


@lru_cache(maxsize=1)
def _key() -> tuple[int, int, tuple[int, int]]:
    """Modulus, private exponent, primes. Not for secrets: the seed is fixed so that a run can be repeated."""
    dice = random.Random(20260309)
    first, second = _prime(dice), _prime(dice)
    return first * second, pow(PUBLIC_EXPONENT, -1, (first - 1) * (second - 1)), (first, second)


def _prime(dice: random.Random) -> int:
    while True:
        candidate = dice.getrandbits(BITS // 2) | 3 << (BITS // 2 - 2) | 1
        fits = candidate % PUBLIC_EXPONENT != 1 and all(candidate % small for small in (3, 5, 7, 11, 13, 17, 19, 23))
        if fits and all(_passes(candidate, dice.randrange(2, candidate)) for _ in range(_ROUNDS)):
            return candidate


def _passes(candidate: int, witness: int) -> bool:
    """One round of Miller and Rabin."""
    odd, twos = candidate - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    power = pow(witness, odd, candidate)
    if power in (1, candidate - 1):
        return True
    for _ in range(twos - 1):
        power = power * power % candidate
        if power == candidate - 1:
            return True
    return False


def _der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 | len(length)]) + length + content


def _integer(value: int) -> bytes:
    return _der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _sequence(*parts: bytes) -> bytes:
    return _der(0x30, *parts)


def _certificate(modulus: int, private: int, names: tuple[str, ...]) -> bytes:
    name = _sequence(_der(0x31, _sequence(bytes.fromhex("0603550403"), _der(0x0C, names[0].encode()))))
    algorithm = _sequence(_SHA256_WITH_RSA, _NULL)
    public = _sequence(_integer(modulus), _integer(PUBLIC_EXPONENT))
    body = _sequence(
        _der(0xA0, _integer(2)),
        _integer(1),
        algorithm,
        name,
        _sequence(_der(0x17, b"200101000000Z"), _der(0x17, b"491231235959Z")),
        name,
        _sequence(_sequence(_RSA, _NULL), _der(3, b"\0", public)),
        _der(0xA3, _sequence(_authority(), _usage(), _subject(public), _alternatives(names))),
    )
    return _sequence(body, algorithm, _der(3, b"\0", _sign(body, modulus, private)))


def _authority() -> bytes:
    """It vouches for itself."""
    return _sequence(bytes.fromhex("0603551d13"), _der(1, b"\xff"), _der(4, _sequence(_der(1, b"\xff"))))


def _usage() -> bytes:
    """It signs, also itself; strict checkers want this said."""
    return _sequence(bytes.fromhex("0603551d0f"), _der(1, b"\xff"), _der(4, bytes.fromhex("03020284")))


def _subject(public: bytes) -> bytes:
    """The identifier of its key."""
    return _sequence(bytes.fromhex("0603551d0e"), _der(4, _der(4, hashlib.sha256(public).digest()[:20])))


def _alternatives(names: tuple[str, ...]) -> bytes:
    hosts = [_der(0x82, name.encode()) for name in names]
    numbers = [_der(0x87, bytes([127, 0, 0, 1]))] if "localhost" in names else []
    return _sequence(bytes.fromhex("0603551d11"), _der(4, _sequence(*hosts, *numbers)))


def _sign(body: bytes, modulus: int, private: int) -> bytes:
    """PKCS #1 version 1.5 with SHA-256 (RFC 8017, section 8.2)."""
    told = _SHA256_INFO + hashlib.sha256(body).digest()
    size = BITS // 8
    padded = b"\0\x01" + b"\xff" * (size - 3 - len(told)) + b"\0" + told
    return pow(int.from_bytes(padded, "big"), private, modulus).to_bytes(size, "big")


def _private(modulus: int, private: int, primes: tuple[int, int]) -> bytes:
    first, second = primes
    parts = (0, modulus, PUBLIC_EXPONENT, private, first, second, private % (first - 1), private % (second - 1))
    return _sequence(*(_integer(part) for part in (*parts, pow(second, -1, first))))


def _pem(label: str, der: bytes) -> str:
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n"
