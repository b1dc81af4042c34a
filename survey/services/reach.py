"""Who can be paged: the ways to a person and how far each is proved, and everybody who may be on call."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from survey.domain import contact_methods as rules
from survey.domain.alerts import Severity
from survey.domain.contact_methods import Proof, ProofPurpose
from survey.domain.oncall import Method, Rule
from survey.services import oncall
from survey.store import accounts as account_store
from survey.store import contact_methods as method_store
from survey.store import contact_proofs as proof_store
from survey.store import oncall as oncall_store
from survey.store.session import transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How somebody is paged: the ways, the wishes for an urgent alert in order, and what was last sent to prove each.

    `proofs` has the newest of each purpose, by method.
    """

    user_id: UUID
    name: str
    methods: tuple[Method, ...]
    rules: tuple[Rule, ...]
    proofs: Mapping[tuple[UUID, ProofPurpose], Proof]


def of(user_id: UUID) -> Reach:
    """Everything about how that person is paged. Raises NotFound."""
    with transaction() as tx:
        name = oncall.name_of(tx, user_id)
        methods = oncall_store.methods_of(tx, user_id)
        proofs = proof_store.latest(tx, [method.id for method in methods])
        wishes = rules.in_order(method_store.rules(tx, user_id), Severity.URGENT)
    newest = {(proof.method_id, proof.purpose): proof for proof in proofs}
    return Reach(user_id=user_id, name=name, methods=methods, rules=wishes, proofs=newest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reachable:
    """Somebody who may be on call: how many ways are live, how many unproved, and when one was last proved."""

    user_id: UUID
    name: str
    live: int
    unproved: int
    proved_at: datetime | None


def people() -> tuple[Reachable, ...]:
    """Everybody who may be on call, by name."""
    with transaction() as tx:
        able = account_store.responders(tx)
        return tuple(_reachable(user.id, user.name, oncall_store.methods_of(tx, user.id)) for user in able)


def _reachable(user_id: UUID, name: str, methods: tuple[Method, ...]) -> Reachable:
    live = [method for method in methods if method.is_live]
    proved = [method.confirmed_at for method in live if method.confirmed_at]
    return Reachable(
        user_id=user_id,
        name=name,
        live=len(live),
        unproved=len(methods) - len(live),
        proved_at=max(proved, default=None),
    )


def waits_for_code(user_id: UUID) -> bool:
    """Whether no page can reach that person until a code is typed in for a way that was noted."""
    with transaction() as tx:
        methods = oncall_store.methods_of(tx, user_id)
    return bool(methods) and not any(method.is_live for method in methods)
