"""The demo's phones as web pages: a list, and one thread of texts with links that work."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape

from survey.local.carrier_journal import Entry, Typed

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")
_STYLE = """
:root{color-scheme:light dark;--bg:light-dark(#eef2f1,#0f1719);--card:light-dark(#fff,#1a2528);
--ink:light-dark(#17262b,#e9f0f0);--soft:light-dark(#4a5d63,#a9bbc0);--edge:light-dark(#d3dddb,#2d3c40);
--own:light-dark(#dcefe9,#21413b);--link:light-dark(#0a5c57,#86d9d0);--bad:light-dark(#9c2b1b,#ffab9e)}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:1.0625rem/1.5 system-ui,sans-serif}
main{max-inline-size:30rem;margin:0 auto;padding:1rem;min-block-size:100vh}
header{display:flex;gap:.75rem;align-items:baseline;border-block-end:1px solid var(--edge);padding-block-end:.75rem}
h1{font-size:1.25rem;margin:0}
a{color:var(--link)}a:focus-visible{outline:3px solid currentColor;outline-offset:2px;border-radius:4px}
p{margin:.5rem 0}.soft{color:var(--soft);font-size:.9rem}
ul,ol{list-style:none;margin:1rem 0;padding:0;display:grid;grid-template-columns:minmax(0,1fr);gap:.75rem}
.phone{display:block;background:var(--card);border:1px solid var(--edge);border-radius:14px;padding:.75rem 1rem;
color:inherit;text-decoration:none}.phone b{color:var(--link)}
.phone span{display:block;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.bubble{background:var(--own);border-radius:4px 16px 16px;padding:.65rem .9rem;margin:0;white-space:pre-wrap;
overflow-wrap:anywhere}.lost{background:none;border:1px dashed var(--edge);color:var(--bad)}
.typed{justify-self:end;text-align:end}
.typed .bubble{background:var(--card);border:1px solid var(--edge);text-align:start;border-radius:16px 4px 16px 16px}
textarea{inline-size:100%;font:inherit;padding:.65rem;border:1px solid var(--soft);border-radius:10px;
background:var(--card);color:inherit}
button{font:inherit;min-block-size:44px;padding:0 1.25rem;border:0;border-radius:10px;background:var(--link);
color:var(--bg)}
time{color:var(--soft);font-size:.85rem}
.back{min-block-size:44px;min-inline-size:44px;display:inline-flex;align-items:center}
"""


def phones(entries: Sequence[Entry], labels: Mapping[str, str]) -> str:
    """The list of phones: those that have a name, and those that got a text, the latest first."""
    latest = {entry.to: entry for entry in entries}
    with_texts = sorted(latest, key=lambda number: latest[number].at, reverse=True)
    numbers = [*with_texts, *(number for number in labels if number not in latest)]
    items = "".join(_phone(number, labels.get(number, ""), latest.get(number)) for number in numbers)
    empty = "<p>No phone has received a text yet. This page looks again every three seconds.</p>"
    heading = '<header><h1>Demo phones</h1></header><p class="soft">Nothing here leaves this machine.</p>'
    return _frame("Demo phones", f"{heading}{f'<ul>{items}</ul>' if items else empty}")


def thread(
    number: str, entries: Sequence[Entry], labels: Mapping[str, str], *, typed: Sequence[Typed] = (), now: datetime
) -> str:
    """One phone: its texts and what was typed there as bubbles, the oldest first."""
    label = labels.get(number, "")
    came = [(entry.at, _bubble(entry, now=now)) for entry in entries if entry.to == number]
    went = [(one.at, _own_bubble(one, now=now)) for one in typed if one.phone == number]
    bubbles = "".join(bubble for _, bubble in sorted(came + went))
    empty = "<p>No text has arrived on this phone yet. This page looks again every three seconds.</p>"
    answer = f'<p><a class="back" href="/phones/{escape(number)}/reply">Reply to the clinic</a></p>' if came else ""
    return _frame(label or number, _heading(number, label) + (f"<ol>{bubbles}</ol>" if bubbles else empty) + answer)


def reply(number: str, labels: Mapping[str, str]) -> str:
    """The form for a text back to the clinic; it stands on a page that does not look again by itself."""
    form = (
        f'<form method="post" action="/phones/{escape(number)}/reply"><p><label for="body">Your text</label></p>'
        '<textarea id="body" name="body" rows="4" maxlength="4000" required autofocus></textarea>'
        '<p><button>Send</button></p></form><p class="soft">Try STOP, START, HELP, CALL, WRONG or a sentence.</p>'
        f'<p><a class="back" href="/phones/{escape(number)}">Back without a text</a></p>'
    )
    return _frame("Reply", _heading(number, labels.get(number, "")) + form, again=False)


def _heading(number: str, label: str) -> str:
    return (
        f'<header><a class="back" href="/">All phones</a><h1>{escape(label or number)}</h1></header>'
        f'<p class="soft">{escape(number) if label else ""}</p>'
    )


def _phone(number: str, label: str, latest: Entry | None) -> str:
    said = escape(latest.body) if latest else "No texts yet"
    return (
        f'<li><a class="phone" href="/phones/{escape(number)}"><b>{escape(label or number)}</b>'
        f'<span class="soft">{said}</span></a></li>'
    )


def _bubble(entry: Entry, *, now: datetime) -> str:
    when = _ago(datetime.fromisoformat(entry.at), now)
    if not entry.arrived:
        return f'<li><p class="bubble lost">Not delivered ({escape(entry.mode)})</p><time>{when}</time></li>'
    return f'<li><p class="bubble">{_with_links(entry.body)}</p><time datetime="{escape(entry.at)}">{when}</time></li>'


def _own_bubble(one: Typed, *, now: datetime) -> str:
    lost = "" if one.told else " (the clinic did not take it)"
    when = _ago(datetime.fromisoformat(one.at), now)
    return f'<li class="typed"><p class="bubble">{escape(one.body)}</p><time>{when}{lost}</time></li>'


def _with_links(body: str) -> str:
    """The text as HTML, its addresses as links."""
    parts, last = [], 0
    for found in _LINK.finditer(body):
        address = escape(found[0])
        parts += [escape(body[last : found.start()]), f'<a href="{address}" rel="noreferrer">{address}</a>']
        last = found.end()
    return "".join([*parts, escape(body[last:])])


def _ago(then: datetime, now: datetime) -> str:
    seconds = max(0, int((now - then).total_seconds()))
    for name, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            number = seconds // size
            return f"{number} {name}{'s' if number > 1 else ''} ago"
    return "just now"


def _frame(title: str, body: str, *, again: bool = True) -> str:
    look_again = '<meta http-equiv="refresh" content="3">' if again else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">{look_again}'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>{body}</main></body></html>"
    )
