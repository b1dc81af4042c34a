"""Every route of the real application with who may use it, as one line of text each."""

from flask import Flask
from pydantic import SecretStr

from survey.settings import ROOT, Settings
from survey.web import guard
from survey.web.app import create_app

SNAPSHOT = ROOT / "tests/architecture/routes.txt"
AUTOMATIC = {"HEAD", "OPTIONS"}


def application() -> Flask:
    """The application; it needs no database to be put together."""
    return create_app(
        Settings(
            database_url=SecretStr("postgresql://nobody@localhost/nowhere"),
            redis_url=SecretStr("redis://localhost"),
            secret_key=SecretStr("x" * 32),
            public_url="https://checkin.example.org",
        )
    )


def lines(app: Flask) -> list[str]:
    """One line for each route: address, methods, policy."""
    return sorted(
        f"{rule.rule:60} {' '.join(sorted((rule.methods or set()) - AUTOMATIC)):10} {policy(app, rule.endpoint)}"
        for rule in app.url_map.iter_rules()
    )


def policy(app: Flask, endpoint: str) -> str:
    """`public`, `patient_link`, or the permission that is asked for."""
    (declared,) = guard.declared(app.view_functions[endpoint])
    return declared.permission.value if declared.permission else declared.kind.value


if __name__ == "__main__":
    SNAPSHOT.write_text("\n".join(lines(application())) + "\n", encoding="utf-8")
