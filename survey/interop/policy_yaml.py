"""Reads an escalation policy from YAML, strictly: whatever is not understood is refused with its line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from survey.domain.errors import DomainError
from survey.domain.oncall import MethodKind
from survey.interop import marked_yaml
from survey.interop.strict_model import Strict

_SPAN = re.compile(r"^([1-9][0-9]{0,3}) (min|h)$")
_KINDS: Mapping[str, MethodKind] = {
    "sms": MethodKind.SMS,
    "push": MethodKind.APPRISE,
    "voice": MethodKind.VOICE,
    "email": MethodKind.EMAIL,
}


class PolicyError(DomainError):
    """The file is not a policy. Each line of the message is file:line: key: what is wrong, and what is allowed."""

    def __init__(self, name: str, mistakes: list[tuple[int, str]]) -> None:
        super().__init__("\n".join(f"{name}:{line}: {said}" for line, said in sorted(set(mistakes))))


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDraft:
    """A step with names where the published one has ids. `line` is where it stands in the file."""

    line: int
    schedules: tuple[str, ...]
    users: tuple[str, ...]
    wait: timedelta
    kinds: tuple[MethodKind, ...]
    last_resort: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDraft:
    """A policy as written; `name` is what errors call the file."""

    name: str
    policy: str
    ack_ttl: timedelta
    loop_every: timedelta
    steps: tuple[StepDraft, ...]


def _span(written: Any) -> Any:
    found = _SPAN.match(written) if isinstance(written, str) else None
    if found is None:
        raise ValueError("write a span as “5 min” or “1 h”")
    return timedelta(minutes=int(found[1]) * (60 if found[2] == "h" else 1))


def _kind(written: Any) -> Any:
    if written not in _KINDS:
        raise ValueError(f"write one of {', '.join(_KINDS)}")
    return _KINDS[written]


def _between(least: int, most: int) -> Any:
    """A span within whole minutes, as the database checks it too."""
    bounds = Field(ge=timedelta(minutes=least), le=timedelta(minutes=most))
    return Annotated[timedelta, bounds, BeforeValidator(_span)]


class _Step(Strict):
    schedules: list[str] = Field(default_factory=list)
    users: list[str] = Field(default_factory=list)
    wait: _between(1, 30)  # type: ignore[valid-type]
    by: list[Annotated[MethodKind, BeforeValidator(_kind)]] = Field(default_factory=list)
    last_resort: bool = False


class _File(Strict):
    policy: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    ack_ttl: _between(5, 240)  # type: ignore[valid-type]
    loop_every: _between(2, 15)  # type: ignore[valid-type]
    steps: Annotated[list[_Step], Field(min_length=1)]


def load(text: str, *, name: str) -> PolicyDraft:
    """The policy in `text`. Raises PolicyError with every mistake found."""
    marked = marked_yaml.read(text)
    if marked.refused:
        raise PolicyError(name, marked.refused)
    if not isinstance(marked.data, dict):
        raise PolicyError(name, [(1, "a policy is a mapping of keys; this is not")])
    written = _shaped(marked, name)
    steps = tuple(_step(step, marked.line(("steps", place))) for place, step in enumerate(written.steps))
    mistakes = [*_order_mistakes(steps)]
    if mistakes:
        raise PolicyError(name, mistakes)
    head = {"policy": written.policy, "ack_ttl": written.ack_ttl, "loop_every": written.loop_every}
    return PolicyDraft(name=name, steps=steps, **head)


def _shaped(marked: marked_yaml.Marked, name: str) -> _File:
    try:
        return _File.model_validate(marked.data)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise PolicyError(name, [_mistake(details, marked) for details in found]) from error


def _mistake(details: Mapping[str, Any], marked: marked_yaml.Marked) -> tuple[int, str]:
    path = tuple(details["loc"])
    said = str(details["msg"]).removeprefix("Value error, ")
    return marked.line(path), f"{'.'.join(map(str, path)) or 'policy'}: {said}"


def _step(step: _Step, line: int) -> StepDraft:
    return StepDraft(
        line=line,
        schedules=tuple(step.schedules),
        users=tuple(user.strip().lower() for user in step.users),
        wait=step.wait,
        kinds=tuple(dict.fromkeys(step.by)),
        last_resort=step.last_resort,
    )


def _order_mistakes(steps: tuple[StepDraft, ...]) -> list[tuple[int, str]]:
    """What the shape of a single step cannot show."""
    found = [(step.line, "steps: a step names at least one schedule or user") for step in steps if not _targets(step)]
    found += [
        (step.line, "steps: only the last step may be the last resort") for step in steps[:-1] if step.last_resort
    ]
    if not steps[-1].last_resort:
        found.append((steps[-1].line, "steps: the last step needs last_resort: true"))
    if len(set(steps[-1].users)) < 2:
        found.append((steps[-1].line, "steps: the last resort names at least two users, by email address"))
    return found


def _targets(step: StepDraft) -> tuple[str, ...]:
    return (*step.schedules, *step.users)
