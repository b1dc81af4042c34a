"""Rows of one invented story up to its text: patient, phone, procedure, invitation, message."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from survey.domain import invitations
from survey.domain.invitations import InvitationState, Trouble
from survey.domain.messages import Delivery, Kind, MessageState
from survey.domain.pages import AttemptOutcome
from survey.domain.patients import CONSENT_WORDING, Block, ConsentHow, ContactKind
from survey.domain.protocol import Protocol
from survey.domain.sites import Site
from survey.local.history.stories import Story

PROVIDER = "twilio"
BLOCKS = {Trouble.LANDLINE: Block.LANDLINE}
ENROLLED_BEFORE = timedelta(days=1, hours=20)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of one story, the same at every start: `ids("patient")`."""

    root: UUID

    def __call__(self, what: str) -> UUID:
        return uuid5(self.root, what)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where it was enrolled, by whom, and when the story ends."""

    site: Site
    protocol: Protocol
    protocol_version_id: UUID
    staff_id: UUID
    now: datetime

    def enrolled(self, story: Story) -> Row:
        """When the record was made, and by whom."""
        return {"created_at": story.sent_at - ENROLLED_BEFORE, "created_by": self.staff_id}

    def patient(self, story: Story, ids: Ids) -> Row:
        """The patient."""
        person = story.person
        return self.enrolled(story) | {
            "id": ids("patient"),
            "given_name": person.given_name,
            "family_name": person.family_name,
            "born_on": person.born_on,
            "language": person.language,
            "zone": None,
            "mrn": f"DEMO-{story.number:05}",
        }

    def contact(self, story: Story, ids: Ids) -> Row:
        """The patient's phone, with consent where it was given."""
        consented = story.trouble is not Trouble.NO_CONSENT
        return {
            "id": ids("contact"),
            "patient_id": ids("patient"),
            "kind": ContactKind.SMS,
            "address": story.person.mobile,
            "consented_at": story.sent_at - ENROLLED_BEFORE if consented else None,
            "consent_by": self.staff_id if consented else None,
            "consent_how": ConsentHow.SPOKEN if consented else None,
            "consent_wording": CONSENT_WORDING if consented else None,
            "blocked_at": story.sent_at if story.trouble in BLOCKS else None,
            "blocked_reason": BLOCKS.get(story.trouble) if story.trouble else None,
        }

    def procedure(self, story: Story, ids: Ids) -> Row:
        """The procedure."""
        return self.enrolled(story) | {
            "id": ids("procedure"),
            "patient_id": ids("patient"),
            "site_id": self.site.id,
            "protocol": self.protocol.slug,
            "performed_on": story.performed_on,
            "body_sites": list(story.body_sites),
            "agents": list(story.agents),
            "lot": story.lot,
            "injector": story.injector,
            "context": dict(story.flags),
            "source_key": f"history:{ids.root}",
            "import_id": None,
            "cancelled_at": None,
            "cancelled_by": None,
        }

    def invitation(self, story: Story, ids: Ids) -> Row:
        """The survey, in the state that the story ends in."""
        response, state = story.response, self.state(story)
        return {
            "id": ids("invitation"),
            "procedure_id": ids("procedure"),
            "site_id": self.site.id,
            "touch": self.protocol.touches[0].key,
            "protocol_version_id": self.protocol_version_id,
            "state": state,
            "due_at": story.due_at,
            "expires_at": invitations.expires_at(story.performed_on, self.site.tz),
            "sent_at": None if story.trouble is Trouble.NO_CONSENT else story.sent_at,
            "opened_at": response.started_at if response and not response.phoned else None,
            "completed_at": response.submitted_at if response else None,
            "stopped_at": story.stopped_at,
            "stopped_by": self.staff_id if story.stopped_at else None,
            "stop_reason": story.stop_reason,
            "trouble": story.trouble if state is InvitationState.UNDELIVERABLE else None,
            "call_at": story.due_at + (timedelta(0) if story.trouble else invitations.CALL_AFTER),
        }

    def state(self, story: Story) -> InvitationState:
        """Where the survey stands."""
        if story.stopped_at is not None:
            return InvitationState.STOPPED
        if story.response is not None and story.response.submitted_at is not None:
            return InvitationState.COMPLETED
        if invitations.expires_at(story.performed_on, self.site.tz) <= self.now:
            return InvitationState.EXPIRED
        if story.response is not None:
            return InvitationState.OPENED
        return InvitationState.UNDELIVERABLE if story.trouble else InvitationState.DELIVERED


def message(story: Story, ids: Ids) -> Row:
    """The text."""
    return {
        "id": ids("message"),
        "invitation_id": ids("invitation"),
        "contact_id": ids("contact"),
        "kind": Kind.INVITATION,
        "touch_no": 0,
        "state": MessageState.UNDELIVERED if story.trouble else MessageState.DELIVERED,
        "due_at": story.due_at,
        "give_up_at": story.due_at + timedelta(days=1),
        "attempts": 1,
        "lease_token": None,
        "lease_until": None,
        "sent_at": story.sent_at,
        "reason": None,
        "late": False,
    }


def message_attempt(story: Story, ids: Ids) -> Row:
    """The one time it was handed to the provider, and the receipt."""
    delivery = Delivery.UNDELIVERED if story.trouble else Delivery.DELIVERED
    handed_over = attempt(started_at=story.sent_at - timedelta(milliseconds=150), sent_at=story.sent_at)
    ours = {"id": ids("message try"), "message_id": ids("message"), "lease_token": ids("message lease")}
    return ours | handed_over | receipt(delivery, story.sent_at)


def attempt(*, started_at: datetime, sent_at: datetime) -> Row:
    """A first try that the provider accepted."""
    return {
        "attempt_no": 1,
        "provider": PROVIDER,
        "started_at": started_at,
        "finished_at": sent_at,
        "outcome": AttemptOutcome.ACCEPTED,
        "provider_ref": None,
        "detail": None,
    }


def receipt(delivery: Delivery, sent_at: datetime) -> Row:
    """What the provider told some seconds later."""
    return {"delivery": delivery, "delivery_rank": delivery.rank, "delivery_at": sent_at + timedelta(seconds=3)}
