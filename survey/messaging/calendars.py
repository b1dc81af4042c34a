"""Fetches a calendar from where a clinic keeps it, and from nowhere inside: its address was typed by somebody."""

import ipaddress
import socket
import time
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, LocationParseError

from survey.messaging.rest import CONNECT_S, tls

MOST_BYTES = 1_000_000
MOST_HOPS = 3
READ_S = 5.0
BUDGET_S = 10.0
"""A server that sends a byte now and then is not waited for any longer."""
PART = 64 * 1024

NOT_HTTPS = "Use an address that begins with https:// or webcal://."
NOT_PUBLIC = "This address leads into a private network. Use one that is reached over the internet."
UNKNOWN_HOST = "There is no such server, or it cannot be found now. Check the address."
SILENT = "The server of this calendar does not answer. Check the address in a browser."
TOO_LARGE = "This calendar is larger than 1 MB. Use one that has only the rota in it."
LEADS_ON = "This address leads on to others, again and again. Copy the address that it ends at."
PACKED = "The server of this calendar sends it packed, which Daytwo has not asked for. Use another address."
REFUSED = "The server of this calendar answers {status}. Copy the address again where the calendar is kept."


class Unfetched(Exception):
    """It could not be fetched; the message says why and what to do, and does not hold the address."""


def address(typed: str, *, local: bool = False) -> str:
    """The address as it is fetched. `local` allows this machine and plain HTTP, for a demo. Raises Unfetched."""
    url = typed.strip()
    if url.lower().startswith("webcal://"):
        url = f"https://{url[len('webcal://') :]}"
    _resolved(url, local=local)
    return url


def fetch(url: str, *, local: bool = False) -> bytes:
    """What is there. Each address on the way is looked up once, and that very machine is asked. Raises Unfetched."""
    until = time.monotonic() + BUDGET_S
    for _ in range(MOST_HOPS):
        response = _ask(url, _resolved(url, local=local))
        try:
            target = response.headers.get("Location", "") if 300 <= response.status < 400 else None
            if target is None:
                return _body(response, until)
        finally:
            response.close()
        url = urljoin(url, target)
    raise Unfetched(LEADS_ON)


def _resolved(url: str, *, local: bool) -> str:
    """The machine behind an address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError:
        raise Unfetched(NOT_HTTPS) from None
    if parts.scheme not in ({"https", "http"} if local else {"https"}) or not host or "@" in parts.netloc:
        raise Unfetched(NOT_HTTPS)
    try:
        found = [str(one[4][0]).partition("%")[0] for one in socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP)]
    except (OSError, UnicodeError):
        raise Unfetched(UNKNOWN_HOST) from None
    if not local and not all(map(_is_public, found)):
        raise Unfetched(NOT_PUBLIC)
    return min(found, key=lambda ip: ":" in ip)  # IPv4 first: it goes everywhere


def _is_public(ip: str) -> bool:
    """Whether it stands outside, also when an IPv4 address is wrapped in it."""
    found = ipaddress.ip_address(ip)
    if isinstance(found, ipaddress.IPv6Address):
        if found.sixtofour or found.teredo or found in _NAT64:
            return False
        return (found.ipv4_mapped or found).is_global and not found.is_multicast
    return found.is_global and not found.is_multicast


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def _ask(url: str, machine: str) -> urllib3.BaseHTTPResponse:
    parts = urlsplit(url)
    headers = {"Host": parts.netloc, "Accept": "text/calendar", "Accept-Encoding": "identity", "User-Agent": "Daytwo"}
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        return _pool(parts.scheme, machine, parts.hostname or "", parts.port).urlopen(
            "GET", path, headers=headers, redirect=False, preload_content=False, decode_content=False
        )
    except (HTTPError, LocationParseError, ValueError):
        raise Unfetched(SILENT) from None


def _pool(scheme: str, machine: str, host: str, port: int | None) -> urllib3.HTTPConnectionPool:
    """One connection to that machine, whose certificate has to be the host's."""
    timeout = urllib3.Timeout(connect=CONNECT_S, read=READ_S)
    if scheme == "http":
        return urllib3.HTTPConnectionPool(machine, port, timeout=timeout, retries=False)
    return urllib3.HTTPSConnectionPool(
        machine,
        port,
        timeout=timeout,
        retries=False,
        assert_hostname=host,
        server_hostname=host,
        ssl_context=tls(),
    )


def _body(response: urllib3.BaseHTTPResponse, until: float) -> bytes:
    if response.status != 200:
        raise Unfetched(REFUSED.format(status=response.status))
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Unfetched(PACKED)
    read = bytearray()
    try:
        for part in _parts(response, until):
            read += part
            if len(read) > MOST_BYTES:
                raise Unfetched(TOO_LARGE)
    except HTTPError:
        raise Unfetched(SILENT) from None
    return bytes(read)


def _parts(response: urllib3.BaseHTTPResponse, until: float) -> Iterator[bytes]:
    while part := response.read1(PART):
        yield part
        if time.monotonic() > until:
            raise Unfetched(SILENT)
