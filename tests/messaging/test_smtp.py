"""Mail over a real SMTP dialogue with TLS: what the server says, and where it goes silent, decides the outcome."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from survey.messaging.outcomes import Attempt, Fault, Outcome
from survey.messaging.smtp import SmtpEmail
from tests import certificates
from tests.certificates import Certificate

REFERENCE = UUID("11111111-2222-4333-8444-555555555555")
SLEEP_S = 2.0


@dataclass
class Mailbox:
    """A mail server's memory, and what it answers; `silent` and `drops` name the command at which it does so."""

    answers: dict[str, str] = field(default_factory=dict)
    silent: str = ""
    drops: str = ""
    mails: list[EmailMessage] = field(default_factory=list)
    over_tls: list[bool] = field(default_factory=list)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return await self._at("RCPT", server)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(message_from_bytes(content, policy=policy.default))
        self.over_tls.append(session.ssl is not None)
        return await self._at("DATA", server)

    async def _at(self, command: str, server: SMTP) -> str:
        if self.silent == command:
            await asyncio.sleep(SLEEP_S)
        if self.drops == command and server.transport is not None:
            server.transport.abort()
        return self.answers.get(command, "250 OK")


class Gate:
    """Lets in whoever knows the password."""

    def __call__(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        return AuthResult(success=data.password == b"right", handled=True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificates.write(tmp_path_factory.mktemp("mail"), "localhost")


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def serving(mailbox: Mailbox, certificate: Certificate | None, **options: object) -> Iterator[int]:
    """The port of a server that offers STARTTLS if it has a certificate."""
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        options |= {"tls_context": context, "require_starttls": True}
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def send(port: int, trust: Path | None, *, host: str = "127.0.0.1", **login: str) -> Attempt:
    email = SmtpEmail(
        host=host,
        port=port,
        sender="Riverside Clinic <checkin@example.org>",
        timeout_s=0.6,
        ca_file=str(trust) if trust else None,
        **login,
    )
    return email.send("maria@example.org", "Su control", "Hola:\n\nCuéntenos cómo está.\n.\nFin\n", reference=REFERENCE)


def test_a_mail_arrives_over_tls_word_for_word(mailbox: Mailbox, certificate: Certificate) -> None:
    with serving(mailbox, certificate) as port:
        attempt = send(port, certificate.certificate)

    (mail,) = mailbox.mails
    assert (attempt.outcome, attempt.provider_ref) == (Outcome.ACCEPTED, f"<{REFERENCE}@example.org>")
    assert mailbox.over_tls == [True]
    assert mail.get_content().splitlines() == ["Hola:", "", "Cuéntenos cómo está.", ".", "Fin"]
    assert (mail["To"], mail["Subject"], mail["Message-ID"]) == (
        "maria@example.org",
        "Su control",
        f"<{REFERENCE}@example.org>",
    )
    assert mail["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    ("command", "answer", "outcome"),
    [
        ("RCPT", "550 no such mailbox", Outcome.REFUSED),
        ("RCPT", "450 greylisted", Outcome.TRY_LATER),
        ("DATA", "554 refused", Outcome.REFUSED),
        ("DATA", "451 try later", Outcome.TRY_LATER),
    ],
)
def test_what_the_server_says_decides(
    mailbox: Mailbox, certificate: Certificate, command: str, answer: str, outcome: Outcome
) -> None:
    mailbox.answers[command] = answer

    with serving(mailbox, certificate) as port:
        attempt = send(port, certificate.certificate)

    assert (attempt.outcome, attempt.detail) == (outcome, answer[:3])


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("550 5.1.1 no such mailbox", Fault.DEAD),
        ("550 5.2.1 disabled", Fault.DEAD),
        ("550 5.7.1 looks like spam", None),
        ("550 no such mailbox", None),
        ("450 4.1.1 try again", None),
    ],
)
def test_a_dead_mailbox_is_told_from_a_refusal(
    mailbox: Mailbox, certificate: Certificate, answer: str, fault: Fault | None
) -> None:
    mailbox.answers["RCPT"] = answer

    with serving(mailbox, certificate) as port:
        assert send(port, certificate.certificate).fault is fault


@pytest.mark.parametrize(
    ("command", "outcome"),
    [("RCPT", Outcome.TRY_LATER), ("DATA", Outcome.UNKNOWN)],
)
def test_silence_and_a_lost_connection_are_unknown_only_after_the_mail_is_out(
    mailbox: Mailbox, certificate: Certificate, command: str, outcome: Outcome
) -> None:
    mailbox.silent = command
    with serving(mailbox, certificate) as port:
        silent = send(port, certificate.certificate)
    mailbox.silent, mailbox.drops = "", command
    with serving(mailbox, certificate) as port:
        dropped = send(port, certificate.certificate)

    assert (silent.outcome, dropped.outcome) == (outcome, outcome)


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(mailbox: Mailbox, certificate: Certificate) -> None:
    with serving(mailbox, certificate) as port:
        attempt = send(port, None)

    assert (attempt.outcome, attempt.detail) == (Outcome.TRY_LATER, "SSLCertVerificationError")
    assert mailbox.mails == []


def test_a_certificate_for_another_host_is_not_trusted(mailbox: Mailbox, tmp_path: Path) -> None:
    other = certificates.write(tmp_path, "mail.example.org")

    with serving(mailbox, other) as port:
        attempt = send(port, other.certificate)

    assert attempt.outcome is Outcome.TRY_LATER
    assert mailbox.mails == []


def test_a_server_without_tls_gets_no_mail(mailbox: Mailbox, certificate: Certificate) -> None:
    with serving(mailbox, None) as port:
        attempt = send(port, certificate.certificate)

    assert (attempt.outcome, attempt.detail) == (Outcome.TRY_LATER, "SMTPNotSupportedError")
    assert mailbox.mails == []


@pytest.mark.parametrize(("password", "outcome"), [("right", Outcome.ACCEPTED), ("wrong", Outcome.TRY_LATER)])
def test_a_wrong_password_is_ours_to_mend(
    mailbox: Mailbox, certificate: Certificate, password: str, outcome: Outcome
) -> None:
    with serving(mailbox, certificate, authenticator=Gate(), auth_required=True) as port:
        attempt = send(port, certificate.certificate, username="clinic", password=password)

    assert attempt.outcome is outcome


def test_a_server_that_is_not_there_is_tried_later(certificate: Certificate) -> None:
    assert send(free_port(), certificate.certificate).outcome is Outcome.TRY_LATER


def test_a_server_that_never_greets_is_tried_later(certificate: Certificate) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        attempt = send(silent.getsockname()[1], certificate.certificate)

    assert attempt.outcome is Outcome.TRY_LATER
