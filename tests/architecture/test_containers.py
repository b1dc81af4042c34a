"""What the container files promise: no more rights than needed, no secret in sight, nothing but the product inside."""

import re
from typing import Any

import pytest
import yaml

from survey.settings import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
NEEDS_RIGHTS = {"postgres"}
"""Its entry point hands the volume to the server's own user."""
PUBLISHED = {"front", "phones"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_more_rights_than_it_needs(name: str):
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["pids_limit"] <= 200
    assert service["mem_limit"]
    assert not service.get("privileged")
    if name not in NEEDS_RIGHTS:
        assert "cap_add" not in service
        assert service["user"].partition(":")[0] not in {"", "0", "root"}


def test_only_the_front_and_the_demos_phones_have_a_port():
    assert {name for name, service in SERVICES.items() if service.get("ports")} == PUBLISHED


def test_ports_are_this_machines_own_unless_somebody_says_otherwise():
    addresses = [port for service in SERVICES.values() for port in service.get("ports", ())]

    assert all(address.startswith("${DAYTWO_BIND:-127.0.0.1}:") for address in addresses)


def test_database_and_broker_stand_on_an_inner_network():
    assert COMPOSE["networks"]["data"] == {"internal": True}
    assert {name for name, service in SERVICES.items() if service["networks"] == ["data"]} == {"postgres", "redis"}


def test_only_the_migration_holds_the_owners_password():
    holders = {name for name, service in SERVICES.items() if "owner_database_url" in service.get("secrets", ())}

    assert holders == {"migrate"}


def test_every_secret_is_a_file_that_the_start_makes():
    script = (ROOT / "config/compose/up.sh").read_text(encoding="utf-8")

    made = set(re.findall(r"^(?:keep|derive) (\w+) ", script, re.MULTILINE))

    assert made == set(COMPOSE["secrets"])
    assert all(secret == {"file": f"./secrets/{name}.txt"} for name, secret in COMPOSE["secrets"].items())
    assert "secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_there_are_two_sentinels_and_one_beat():
    assert SERVICES["sentinel"]["deploy"]["replicas"] == 2
    assert "deploy" not in SERVICES["beat"]


def test_every_lasting_service_but_beat_has_a_health_check():
    once = {"migrate", "seed"}

    without = {name for name, service in SERVICES.items() if "healthcheck" not in service} - once

    assert without == {"beat"}


def test_the_image_is_installed_from_locked_hashes_and_runs_as_nobody():
    installs = re.findall(r"pip .*\binstall .*", DOCKERFILE)

    assert all("--require-hashes" in line or "--editable" in line for line in installs)
    assert DOCKERFILE.count("USER 10001:10001") == 2
    assert "embedded" not in DOCKERFILE


def test_only_the_product_is_copied_into_the_image():
    copied = set(re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE))

    assert copied == {
        "requirements.lock requirements-dev.lock pyproject.toml",
        "survey",
        "workers",
        "templates",
        "config",
        "config/compose/front.cfg config/compose/unavailable.http",
    }


def test_the_front_keeps_no_addresses_of_requests():
    settings = (ROOT / "config/compose/front.cfg").read_text(encoding="utf-8")

    assert not re.search(r"option httplog|log-format|capture", settings)


def test_the_page_of_last_resort_is_whole():
    head, _, body = (ROOT / "config/compose/unavailable.http").read_bytes().partition(b"\r\n\r\n")

    assert f"Content-Length: {len(body)}".encode() in head
    assert body.count(b'href="tel:911"') == 2
    assert 'lang="es"' in body.decode()
