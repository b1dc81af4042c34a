"""Who acts: the roles, what each may do, and the actor that every change is recorded under."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What a person of the clinic is to Daytwo. An admin runs the system and sees no patient."""

    STAFF = "staff"
    CLINICIAN = "clinician"
    MANAGER = "manager"
    ADMIN = "admin"
    AUDITOR = "auditor"


class Permission(StrEnum):
    """What a route asks for, as `noun:verb`."""

    ALERT_CLOSE = "alert:close"
    ALERT_READ = "alert:read"
    ALERT_TAKE = "alert:take"
    AUDIT_READ = "audit:read"
    CALL_DECIDE = "call:decide"
    ONCALL_READ = "oncall:read"
    ONCALL_SWAP = "oncall:swap"
    ONCALL_WRITE = "oncall:write"
    PATIENT_READ = "patient:read"
    PATIENT_WRITE = "patient:write"
    PROTOCOL_APPROVE = "protocol:approve"
    PROTOCOL_READ = "protocol:read"
    PROTOCOL_WRITE = "protocol:write"
    SITE_WRITE = "site:write"
    SYSTEM_READ = "system:read"
    TREND_READ = "trend:read"
    USER_WRITE = "user:write"
    WORKLIST_READ = "worklist:read"


_STAFF = {
    Permission.ALERT_READ,
    Permission.ONCALL_READ,
    Permission.PATIENT_READ,
    Permission.PATIENT_WRITE,
    Permission.PROTOCOL_READ,
    Permission.TREND_READ,
    Permission.WORKLIST_READ,
}
_CLINICIAN = _STAFF | {
    Permission.ALERT_TAKE,
    Permission.ALERT_CLOSE,
    Permission.CALL_DECIDE,
    Permission.ONCALL_SWAP,
    Permission.PROTOCOL_WRITE,
}

GRANTED: dict[Role, frozenset[Permission]] = {
    Role.STAFF: frozenset(_STAFF),
    Role.CLINICIAN: frozenset(_CLINICIAN),
    Role.MANAGER: frozenset(
        _CLINICIAN
        | {
            Permission.AUDIT_READ,
            Permission.ONCALL_WRITE,
            Permission.PROTOCOL_APPROVE,
            Permission.SITE_WRITE,
            Permission.SYSTEM_READ,
        }
    ),
    Role.ADMIN: frozenset(
        {Permission.ONCALL_READ, Permission.PROTOCOL_READ, Permission.SYSTEM_READ, Permission.USER_WRITE}
    ),
    Role.AUDITOR: frozenset({Permission.AUDIT_READ, Permission.PROTOCOL_READ, Permission.TREND_READ}),
}


def may(role: Role, permission: Permission) -> bool:
    """Whether that role holds that permission."""
    return permission in GRANTED[role]


class ActorKind(StrEnum):
    """Where a change came from."""

    SYSTEM = "system"
    USER = "user"
    PATIENT = "patient"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Whoever makes a change; `id` is the user's, None for the system, a patient or a provider."""

    kind: ActorKind
    id: UUID | None = None
    role: Role | None = None


SYSTEM = Actor(kind=ActorKind.SYSTEM)
PATIENT = Actor(kind=ActorKind.PATIENT)
