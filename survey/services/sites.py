"""The clinic's sites: list, find, add, change, and the texts as each of them signs them."""

import hashlib
from dataclasses import fields, replace
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from survey.domain import sites as rules
from survey.domain.accounts import Actor
from survey.domain.errors import Conflict, Refused, Stale
from survey.domain.sites import Site
from survey.interop import phones
from survey.messaging import linter, registry, wordings
from survey.messaging.linter import Text
from survey.services import audit
from survey.store import sites as store
from survey.store.session import transaction


def every() -> tuple[Site, ...]:
    """All sites, by name."""
    with transaction() as tx:
        return store.every(tx)


def get(site_id: UUID) -> Site:
    """That site. Raises NotFound."""
    with transaction() as tx:
        return store.get(tx, site_id)


@lru_cache(maxsize=1)
def _at(_minute: int) -> tuple[Site, ...]:
    return every()


def only_or_first(now: datetime) -> Site | None:
    """The site that stands for the clinic where no patient is known yet: the first by name; read once a minute."""
    sites = _at(int(now.timestamp()) // 60)
    return sites[0] if sites else None


def add(new: Site, *, by: Actor, now: datetime) -> None:
    """Open a site. Raises Refused when its short name is taken, or its texts would need more than one segment."""
    _check_texts(new)
    try:
        with transaction() as tx:
            store.insert(tx, new)
            audit.record(tx, "site.added", actor=by, object_id=new.id, now=now)
    except Conflict as conflict:
        raise Refused("A site with this short name exists. Choose another short name.", field="slug") from conflict


def change(new: Site, *, seen: str, by: Actor, now: datetime) -> None:
    """Set what the site is called, when it answers and how it signs; its short name stays.

    `seen` is the mark of the site as whoever changes it has seen it. Raises Refused (by field) when something does not
    fit, Stale when somebody else has changed it since, and NotFound.
    """
    for field, sentence in rules.problems(new):
        raise Refused(sentence, field=field)
    _check_texts(new)
    with transaction() as tx:
        old = store.get(tx, new.id)
        if mark(old) != seen:
            raise Stale("Somebody has changed this site meanwhile. Look at it again.")
        changed = [field.name for field in fields(Site) if getattr(old, field.name) != getattr(new, field.name)]
        store.swap(tx, old, new)
        audit.record(tx, "site.changed", actor=by, object_id=new.id, now=now, fields=" ".join(changed))
    _at.cache_clear()


def with_phone(site: Site, *, typed: str, home: str) -> Site:
    """The site with the phone that was typed, read by the rules of the country of `home`. Raises Refused."""
    return replace(site, phone=phones.read(typed, region=phones.region_of(home)).e164)


def mark(site: Site) -> str:
    """Tells one state of a site from another."""
    return hashlib.sha256(repr(site).encode()).hexdigest()[:16]


def texts(site: Site, *, link: str = wordings.LONGEST["link"]) -> tuple[Text, ...]:
    """Every message as that site's patients may get it at its longest, with what is wrong with it."""
    return linter.check(
        {
            "clinic": site.sms_name,
            "emergency": site.emergency_number,
            "link": link,
            "phone": phones.national(site.phone),
        }
    )


def real_texts(site: Site) -> tuple[Text, ...]:
    """The same with this deployment's own links; the secret at the end stands for each patient's."""
    return texts(site, link=f"{registry.public_url()}/s/{wordings.SECRET}")


def _check_texts(site: Site) -> None:
    """Raises Refused when a text signed by that site would say too much, or need a second segment."""
    for fault in linter.name_faults(site.sms_name):
        raise Refused(f"Choose another name for texts: {fault}.", field="sms_name")
    longest = max(texts(site), key=lambda text: (text.misfit is not None, text.signs))
    if longest.misfit:
        raise Refused(
            f"Texts would be signed with “{site.sms_name}”, and then one needs {longest.segments} segments"
            f" ({longest.kind}, {longest.language}). Choose another name for texts: {longest.misfit}.",
            field="sms_name",
        )
