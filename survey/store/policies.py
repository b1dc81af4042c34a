"""Escalation policies: published versions, which never change."""

from collections import defaultdict
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from survey.domain.errors import NotFound
from survey.domain.escalation import Policy, Step, Target
from survey.domain.oncall import MethodKind
from survey.store.base import identifier, instant, metadata
from survey.store.session import Tx

policy_version = sa.Table(
    "policy_version",
    metadata,
    identifier(primary_key=True),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    instant("published_at", nullable=False),
    sa.Column("ack_ttl", sa.Interval, nullable=False),
    sa.Column("loop_every", sa.Interval, nullable=False),
)

policy_step = sa.Table(
    "policy_step",
    metadata,
    identifier(primary_key=True),
    identifier("policy_version_id", sa.ForeignKey("policy_version.id"), nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("wait", sa.Interval, nullable=False),
    sa.Column("kinds", pg.ARRAY(sa.Text)),
    sa.Column("is_last_resort", sa.Boolean, nullable=False),
)

policy_target = sa.Table(
    "policy_target",
    metadata,
    identifier("step_id", sa.ForeignKey("policy_step.id"), nullable=False),
    identifier("schedule_id"),
    identifier("user_id"),
)

_LIVE = "SELECT id FROM policy_version WHERE policy = %(policy)s ORDER BY version DESC LIMIT 1"


def get(tx: Tx, version_id: UUID) -> Policy:
    """That version, whole. Raises NotFound."""
    row = tx.run(sa.select(policy_version).where(policy_version.c.id == version_id)).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such version of an escalation policy.")
    return Policy(steps=_steps(tx, version_id), **row)


def live_id(tx: Tx, policy: str) -> UUID | None:
    """The newest version of a policy, if it was ever published."""
    row = tx.fetch(_LIVE, {"policy": policy})
    return row["id"] if row else None


def insert(tx: Tx, new: Policy) -> None:
    """Add a version. Raises Conflict (`policy_version_once`) when somebody else has published that one just now."""
    head = {column.name: getattr(new, column.name) for column in policy_version.c}
    tx.run(sa.insert(policy_version).values(**head))
    for step in new.steps:
        step_id = uuid4()
        row = {"seq": step.seq, "wait": step.wait, "is_last_resort": step.is_last_resort}
        by = [kind.value for kind in step.kinds] or None
        tx.run(sa.insert(policy_step).values(id=step_id, policy_version_id=new.id, kinds=by, **row))
        for target in step.targets:
            whom = {"schedule_id": target.schedule_id, "user_id": target.user_id}
            tx.run(sa.insert(policy_target).values(step_id=step_id, **whom))


def _steps(tx: Tx, version_id: UUID) -> tuple[Step, ...]:
    theirs = policy_step.c.policy_version_id == version_id
    joined = sa.select(policy_target).join_from(policy_target, policy_step).where(theirs)
    targets = defaultdict(list)
    for row in tx.run(joined).mappings():
        targets[row["step_id"]].append(Target(schedule_id=row["schedule_id"], user_id=row["user_id"]))
    rows = tx.run(sa.select(policy_step).where(theirs).order_by(policy_step.c.seq)).mappings()
    return tuple(
        Step(
            seq=row["seq"],
            wait=row["wait"],
            targets=tuple(sorted(targets[row["id"]], key=str)),
            kinds=tuple(map(MethodKind, row["kinds"] or ())),
            is_last_resort=row["is_last_resort"],
        )
        for row in rows
    )
