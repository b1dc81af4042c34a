"""Puts the web application together: frame, checks, pages, and the guard that refuses an undeclared route."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from survey.settings import ROOT, Settings
from survey.web import (
    alerts,
    answers,
    assets,
    burden,
    calendars,
    calls,
    clinic,
    confirmations,
    contact_methods,
    contacts,
    errors,
    figures,
    form_sessions,
    frame,
    guard,
    handovers,
    headers,
    health,
    imports,
    inbound,
    leaflets,
    limits,
    links,
    oncall,
    paged_now,
    patients,
    phone,
    protocols,
    publishing,
    reach,
    receipts,
    replays,
    replies,
    rota_feeds,
    rotas,
    sends,
    shadows,
    sign_in,
    sites,
    stops,
    swaps,
    timekeeping,
    trends,
    users,
    versions,
    voice,
    words,
    worklist,
)

PAGES = (
    alerts,
    answers,
    burden,
    calendars,
    calls,
    confirmations,
    contact_methods,
    contacts,
    figures,
    handovers,
    health,
    imports,
    inbound,
    leaflets,
    links,
    oncall,
    paged_now,
    patients,
    phone,
    protocols,
    publishing,
    reach,
    receipts,
    replays,
    replies,
    rota_feeds,
    rotas,
    sends,
    shadows,
    sign_in,
    sites,
    stops,
    swaps,
    trends,
    users,
    versions,
    voice,
    worklist,
)
"""Every module that carries a `blueprint`."""


def create_app(settings: Settings) -> Flask:
    """The application. Raises RuntimeError when a route does not declare who may use it."""
    app = errors.Application("survey.web", template_folder=str(ROOT / "templates"), static_folder=None)
    _configure(app, settings)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    timekeeping.install(app)
    headers.install(app, settings)
    limits.install(app)
    for part in (assets, clinic, errors, form_sessions, words):
        part.install(app)
    frame.prepare(app)
    for page in PAGES:
        app.register_blueprint(page.blueprint)
    headers.csrf.exempt(receipts.blueprint)
    headers.csrf.exempt(inbound.blueprint)
    headers.csrf.exempt(voice.blueprint)
    guard.install(app)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        # Holds the form's token alone; who is there is known by the database.
        SESSION_COOKIE_NAME="__Host-daytwo-form" if settings.secure else "daytwo-form",
        SESSION_COOKIE_SECURE=settings.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        UNREACHED_RULE=settings.unreached_rule,
    )
