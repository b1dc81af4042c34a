"""How the two providers speak: reading a request to send, and wording each answer as the real one would."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from html import unescape
from typing import Any
from urllib.parse import parse_qsl

from survey.local.carrier_journal import Entry

Answer = tuple[int, dict[str, Any]]

_TWILIO = re.compile(r"^/2010-04-01/Accounts/[^/]+/Messages\.json$")
_CALLS = re.compile(r"^/2010-04-01/Accounts/[^/]+/Calls\.json$")
_SINCH = re.compile(r"^/xms/v1/[^/]+/batches$")
_SINCH_REPORT = re.compile(r"^/xms/v1/[^/]+/batches/([^/]+)/delivery_report$")
_SAY = re.compile(r"<Say[^>]*>([^<]*)</Say>")
_ACTION = re.compile(r'<Gather[^>]* action="([^"]*)"')
_TWILIO_CODES = {400: 21211, 401: 20003, 403: 20003, 404: 20404, 429: 20429}
_SINCH_CODES = {400: "syntax_invalid_parameter_format", 401: "unauthorized", 403: "unknown_campaign"}


def speaks(path: str) -> str | None:
    """The provider whose sending address that is; None for another address."""
    if _TWILIO.match(path):
        return "twilio"
    if _CALLS.match(path):
        return "twilio_voice"
    return "sinch" if _SINCH.match(path) else None


def wanted(carrier: str, body: bytes) -> dict[str, str]:
    """What a request asks to send, in the words of our journal."""
    if carrier == "twilio_voice":
        return _wanted_call(dict(parse_qsl(body.decode(), keep_blank_values=True)))
    if carrier == "twilio":
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        return {
            "to": form.get("To", ""),
            "sender": form.get("From") or form.get("MessagingServiceSid", ""),
            "body": form.get("Body", ""),
            "callback": form.get("StatusCallback", ""),
            "validity": form.get("ValidityPeriod", ""),
            "own": form.get("StatusCallback", "").rpartition("/")[2],
        }
    batch = json.loads(body)
    return {
        "to": batch["to"][0],
        "sender": batch["from"],
        "body": batch["body"],
        "callback": batch.get("callback_url", ""),
        "validity": batch.get("expire_at", ""),
        "own": batch.get("client_reference", ""),
    }


def _wanted_call(form: Mapping[str, str]) -> dict[str, str]:
    """A call says what its own TwiML says, or what it is told at its address."""
    return {
        "to": form.get("To", ""),
        "sender": form.get("From", ""),
        "body": " ".join(said(form.get("Twiml", ""))) or "A call.",
        "callback": form.get("StatusCallback", ""),
        "validity": form.get("Timeout", ""),
        "own": form.get("Url", "").rpartition("/")[2],
        "url": form.get("Url", ""),
    }


def said(twiml: str) -> list[str]:
    """The sentences that a call hears."""
    return [unescape(sentence) for sentence in _SAY.findall(twiml)]


def action(twiml: str) -> str | None:
    """Where a key that is pressed is sent; None where none is asked for."""
    found = _ACTION.search(twiml)
    return unescape(found[1]) if found else None


def taken(entry: Entry) -> Answer:
    """The answer to a text that was taken, or failed at once."""
    if entry.carrier == "sinch":
        return 201, {"id": entry.sid, "to": [entry.to], "client_reference": entry.own, "canceled": False}
    status = "failed" if entry.mode == "failed" else "queued"
    return 201, {"sid": entry.sid, "status": status, "to": entry.to, "error_code": None}


def refused(carrier: str, status: int, code: str) -> Answer:
    """The answer to a text that was not taken; `code` is the provider's own, empty for what usually goes with it."""
    if carrier == "sinch":
        return status, {"code": code or _SINCH_CODES.get(status, str(status)), "text": "As the script wants it."}
    known = int(code) if code else _TWILIO_CODES.get(status, status)
    return status, {"code": known, "message": "As the script wants it.", "status": status}


def found(path: str, query: Mapping[str, str], entries: Sequence[Entry]) -> Answer | None:
    """The answer to a question about texts that were taken; None where nobody is asked."""
    known = [entry for entry in entries if entry.arrived or entry.fails_later or entry.mode == "failed"]
    if _TWILIO.match(path):
        mine = [one for one in known if one.carrier == "twilio" and query.get("To", one.to) == one.to]
        newest = list(reversed(mine))[: int(query.get("PageSize", "50"))]
        return 200, {"messages": [_twilio_resource(one) for one in newest]}
    if _SINCH.match(path):
        mine = [one for one in known if one.carrier == "sinch" and query.get("client_reference", one.own) == one.own]
        batches = [{"id": one.sid, "to": [one.to], "client_reference": one.own} for one in reversed(mine)]
        return 200, {"count": len(batches), "page": 0, "page_size": len(batches), "batches": batches}
    report = _SINCH_REPORT.match(path)
    if report is None:
        return None
    return next((_sinch_report(one) for one in known if one.sid == report[1]), (404, {"code": "not_found"}))


def _twilio_resource(entry: Entry) -> dict[str, Any]:
    status, code = entry.ending
    return {
        "sid": entry.sid,
        "to": entry.to,
        "from": entry.sender,
        "body": entry.body,
        "direction": "outbound-api",
        "status": status,
        "error_code": int(code) if code else None,
        "date_created": format_datetime(datetime.fromisoformat(entry.at)),
    }


def _sinch_report(entry: Entry) -> Answer:
    status, code = entry.ending
    one = {"code": int(code or 0), "status": sinch_status(status), "count": 1, "recipients": [entry.to]}
    return 200, {"type": "delivery_report_sms", "batch_id": entry.sid, "statuses": [one]}


def sinch_status(status: str) -> str:
    """Twilio's word for a status, as Sinch says it."""
    return {"sent": "Dispatched", "delivered": "Delivered", "failed": "Rejected", "undelivered": "Failed"}[status]
