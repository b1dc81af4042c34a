"""The least that could do the same: Flask and psycopg, no forms, no floors, the same rows committed."""

import hashlib
import json
import os
import threading
from typing import Any

import psycopg
from flask import Flask, redirect, request
from psycopg.rows import dict_row

LOOK = """
SELECT s.language, s.made_at, s.answered_by, i.id AS invitation_id, i.touch, p.performed_on, p.body_sites, p.agents,
  p.context, r.id AS response_id, r.revision, r.submitted_at, (SELECT jsonb_object_agg(item, value) FROM (
    SELECT DISTINCT ON (item) item, value FROM answer WHERE response_id = r.id ORDER BY item, revision DESC
  ) AS newest) AS answers
FROM patient_session s JOIN invitation i ON i.id = s.invitation_id JOIN procedure p ON p.id = i.procedure_id
JOIN response r ON r.invitation_id = i.id
WHERE s.token_sha256 = %s AND s.ended_at IS NULL AND s.ends_at > now()
"""
SAVE = """
WITH moved AS (
  UPDATE response SET revision = revision + 1, answered_at = now() WHERE id = %s AND revision = %s
  RETURNING id, revision)
INSERT INTO answer (response_id, revision, item, value, at) SELECT id, revision, %s, %s, now() FROM moved
"""

app = Flask(__name__)
_local = threading.local()


def connection() -> psycopg.Connection[Any]:
    """One for each thread, kept."""
    if not hasattr(_local, "connection"):
        address = os.environ["BENCH_DATABASE_URL"]
        _local.connection = psycopg.connect(address, row_factory=dict_row, autocommit=True)
    kept: psycopg.Connection[Any] = _local.connection
    return kept


@app.post("/answer/<item>")
def answer(item: str) -> Any:
    """Look the session up, save the answer, send the browser on."""
    digest = hashlib.sha256(request.cookies["token"].encode()).digest()
    tx = connection()
    with tx.transaction():
        row = tx.execute(LOOK, (digest,)).fetchone()
        assert row is not None
        tx.execute(SAVE, (row["response_id"], row["revision"], item, json.dumps(int(request.form["answer"]))))
    return redirect("/next", 303)


CLAIM = """
SELECT r.id, r.revision, r.submitted_at, p.context, (SELECT jsonb_object_agg(item, value) FROM (
    SELECT DISTINCT ON (item) item, value FROM answer WHERE response_id = r.id ORDER BY item, revision DESC
  ) AS newest) AS answers
FROM (
  SELECT * FROM response WHERE revision > scored_revision ORDER BY answered_at LIMIT %s FOR UPDATE SKIP LOCKED) AS r
JOIN invitation i ON i.id = r.invitation_id JOIN procedure p ON p.id = i.procedure_id
"""
KEEP = """
WITH new AS (SELECT * FROM jsonb_to_recordset(%s) AS n (id uuid, revision int, tier text, fired jsonb, answers jsonb,
  context jsonb)),
kept AS (INSERT INTO score (response_id, revision, tier, fired, answers, context, protocol_sha256, at)
  SELECT id, revision, tier, fired, answers, context, %s, now() FROM new)
UPDATE response SET scored_revision = new.revision, tier = new.tier, scored_at = now()
FROM new WHERE response.id = new.id
"""


def drain(tx: psycopg.Connection[Any], *, limit: int) -> int:
    """Claim, judge and keep batches until none is due; how many rows."""
    done = 0
    while True:
        with tx.transaction():
            rows = tx.execute(CLAIM, (limit,)).fetchall()
            if not rows:
                return done
            new = [
                {
                    "id": str(row["id"]),
                    "revision": row["revision"],
                    "answers": row["answers"],
                    "context": row["context"],
                    **judge(row["answers"]),
                }
                for row in rows
            ]
            tx.execute(KEEP, (json.dumps(new), "0" * 64))
        done += len(rows)


def judge(answers: dict[str, Any]) -> dict[str, Any]:
    """Some twenty rules, written out."""
    get = answers.get
    red, skin = get("red", {}), get("skin", {})
    fired = [f"E{number}" for number, value in enumerate(red.values()) if value == "yes"]
    fired += [f"S{number}" for number, value in enumerate(skin.values()) if value == "yes"]
    worrying = (
        ("breath", ("deep", "exert")),
        ("weak", ("same", "worse")),
        ("weakfx", ("cannot",)),
        ("fever", ("yes", "chills")),
        ("bleed", ("ooze", "grow")),
        ("allergy", ("wide",)),
        ("faint", ("still",)),
        ("headneck", ("yes",)),
        ("sugar", ("vhigh",)),
        ("help", ("today", "next")),
    )
    fired += [item for item, values in worrying if get(item) in values]
    if (get("sore") or 0) >= 9 and get("trend") == "worse":
        fired.append("sore")
    return {"tier": "urgent" if fired else "routine", "fired": fired}
