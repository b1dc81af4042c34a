"""Mail by SMTP with STARTTLS, never without a verified certificate; the dialogue sorted into our four outcomes."""

import re
import smtplib
import ssl
from email import policy
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Self
from uuid import UUID

from survey.messaging.outcomes import Attempt, Fault, Outcome
from survey.settings import Settings

IMPLICIT_TLS_PORT = 465
_DEAD = re.compile(rb"^5\.(1\.[1236]|2\.1)\b")
"""Enhanced codes of RFC 3463: no such mailbox or domain, moved, or disabled. A refusal of spam is none of them."""


class _Said(Exception):
    """The server's answer ended the dialogue."""

    def __init__(self, code: int, words: bytes) -> None:
        self.code = code
        self.fault = Fault.DEAD if code >= 500 and _DEAD.match(words) else None


class SmtpEmail:
    """One mail server and one sender address."""

    name = "smtp"

    def __init__(
        self,
        *,
        host: str,
        port: int,
        sender: str,
        timeout_s: float,
        username: str | None = None,
        password: str | None = None,
        ca_file: str | None = None,
    ) -> None:
        self._host, self._port, self._sender, self._timeout_s = host, port, sender, timeout_s
        self._username, self._password = username, password
        self._tls = ssl.create_default_context(cafile=ca_file)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the settings say; SMTP_HOST and SMTP_FROM are set."""
        password = settings.smtp_password
        return cls(
            host=settings.smtp_host or "",
            port=settings.smtp_port,
            sender=settings.smtp_from or "",
            timeout_s=settings.provider_timeout_s,
            username=settings.smtp_username,
            password=password.get_secret_value() if password else None,
            ca_file=settings.smtp_ca_file,
        )

    def send(self, to: str, subject: str, body: str, *, reference: UUID) -> Attempt:
        """Hand over one mail. Never raises for trouble at the server."""
        message = self._compose(to, subject, body, reference=reference)
        try:
            server = self._connect()
        except (smtplib.SMTPException, OSError) as error:
            return self._attempt(Outcome.TRY_LATER, detail=_code(error))
        try:
            return self._converse(server, to, message, reference=reference)
        finally:
            server.close()

    def _compose(self, to: str, subject: str, body: str, *, reference: UUID) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, to, subject
        message["Message-ID"] = self._message_id(reference)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(body, cte="quoted-printable")
        return message

    def _message_id(self, reference: UUID) -> str:
        return f"<{reference}@{parseaddr(self._sender)[1].rpartition('@')[2]}>"

    def _connect(self) -> smtplib.SMTP:
        if self._port == IMPLICIT_TLS_PORT:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=self._timeout_s, context=self._tls)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=self._timeout_s)
        try:
            if not isinstance(server, smtplib.SMTP_SSL):
                server.starttls(context=self._tls)
            if self._username:
                server.login(self._username, self._password or "")
        except (smtplib.SMTPException, OSError):
            server.close()
            raise
        return server

    def _converse(self, server: smtplib.SMTP, to: str, message: EmailMessage, *, reference: UUID) -> Attempt:
        try:
            server.ehlo_or_helo_if_needed()
            _expect(server.mail(parseaddr(self._sender)[1]))
            _expect(server.rcpt(to))
        except _Said as said:
            return self._sort(said.code, fault=said.fault)
        except (smtplib.SMTPException, OSError) as error:
            return self._attempt(Outcome.TRY_LATER, detail=_code(error))
        try:
            code, _ = server.data(message.as_bytes(policy=policy.SMTP))
        except smtplib.SMTPDataError as error:
            return self._sort(error.smtp_code)
        except (smtplib.SMTPException, OSError) as error:
            return self._attempt(Outcome.UNKNOWN, detail=_code(error))
        return self._sort(code, reference=reference)

    def _sort(self, code: int, *, reference: UUID | None = None, fault: Fault | None = None) -> Attempt:
        if 200 <= code < 300:
            return self._attempt(
                Outcome.ACCEPTED, detail=str(code), ref=self._message_id(reference) if reference else None
            )
        return self._attempt(Outcome.REFUSED if code >= 500 else Outcome.TRY_LATER, detail=str(code), fault=fault)

    def _attempt(self, outcome: Outcome, *, detail: str, ref: str | None = None, fault: Fault | None = None) -> Attempt:
        return Attempt(outcome=outcome, provider=self.name, provider_ref=ref, detail=detail[:40], fault=fault)


def _expect(reply: tuple[int, bytes]) -> None:
    if not 200 <= reply[0] < 300:
        raise _Said(*reply)


def _code(error: Exception) -> str:
    return str(getattr(error, "smtp_code", "") or type(error).__name__)
