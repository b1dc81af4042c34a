"""The law that nobody is lost: each check-in stands in one class of four, and what stands in none is told."""

from alembic import op

revision = "0009"
down_revision = "0008"

# `survey.store.conservation` says when it is; whoever asks by hand gets the database's own clock.
AS_OF = """
CREATE FUNCTION as_of() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(nullif(current_setting('daytwo.as_of', true), '')::timestamptz, now()) $$;
"""

# No ELSE: whoever is neither answered nor reached nor closed has to stand on a list, or something is on its way.
CHECK_IN = """
CREATE VIEW check_in AS
SELECT i.id AS invitation_id, i.procedure_id, i.site_id, i.touch, i.state, i.due_at, i.call_at, p.performed_on,
  (i.due_at AT TIME ZONE s.zone)::date AS day,
  true AS asked,
  CASE
    WHEN i.state = 'completed' THEN
      CASE WHEN r.submitted_at IS NOT NULL THEN CASE r.mode WHEN 'phone' THEN 'reached' ELSE 'answered' END END
    WHEN i.state = 'reached' THEN CASE WHEN i.reached_at IS NOT NULL THEN 'reached' END
    WHEN i.state = 'stopped' THEN CASE WHEN i.stop_reason <> '' THEN 'closed' END
    WHEN p.cancelled_at IS NOT NULL THEN 'closed'
    WHEN EXISTS (SELECT FROM alert a WHERE a.response_id = r.id AND a.state <> 'resolved') THEN 'open'
    WHEN EXISTS (SELECT FROM alert a WHERE a.response_id = r.id AND a.contact_result = 'reached') THEN 'reached'
    -- The call list has it. Two minutes, since the clocks of two processes differ.
    WHEN i.call_at <= as_of() + interval '2 minutes' THEN 'open'
    -- Nothing can be sent, and the call list will have it on the day.
    WHEN i.call_at <= i.due_at THEN 'open'
    -- The call list will have it, and until then the patient is at it or a link can still get through.
    WHEN i.call_at <= greatest(i.due_at, i.sent_at, i.opened_at) + interval '10 days'
      AND (i.state = 'opened' OR EXISTS (
        SELECT FROM message m WHERE m.invitation_id = i.id AND m.kind IN ('invitation', 'reminder', 'fresh_link')
          AND m.state IN ('pending', 'leased', 'accepted', 'delivered', 'unknown'))) THEN 'open'
  END AS class
FROM invitation i
JOIN procedure p ON p.id = i.procedure_id
JOIN site s ON s.id = i.site_id
LEFT JOIN response r ON r.invitation_id = i.id
UNION ALL
-- Enrolled, and nobody ever asks.
SELECT NULL, p.id, p.site_id, NULL, NULL, NULL, NULL, p.performed_on,
  p.performed_on, false, CASE WHEN p.cancelled_at IS NOT NULL THEN 'closed' END
FROM procedure p
JOIN site s ON s.id = p.site_id
WHERE NOT EXISTS (SELECT FROM invitation i WHERE i.procedure_id = p.id);

CREATE VIEW conservation AS
SELECT site_id, day, count(*) AS enrolled,
  count(*) FILTER (WHERE class = 'answered') AS answered,
  count(*) FILTER (WHERE class = 'reached') AS reached,
  count(*) FILTER (WHERE class = 'closed') AS closed,
  count(*) FILTER (WHERE class = 'open') AS open
FROM check_in GROUP BY site_id, day;
"""

# What breaks the law, found each minute without reading what has ended long ago: `doctor --verbose` reads all.
# A survey whose call has come is open by that alone, so of those that have not ended only the others can be lost.
ASTRAY = """
CREATE VIEW astray AS
SELECT * FROM check_in WHERE class IS NULL AND asked
  AND state NOT IN ('completed', 'reached', 'stopped') AND call_at > as_of()
UNION ALL
SELECT * FROM check_in WHERE class IS NULL AND asked
  AND state IN ('completed', 'reached', 'stopped') AND due_at > as_of() - interval '10 days'
UNION ALL
SELECT * FROM check_in WHERE class IS NULL AND NOT asked AND performed_on > as_of()::date - 40;
"""

DOWN = "DROP VIEW astray, conservation, check_in; DROP FUNCTION as_of;"


def upgrade() -> None:
    for part in (AS_OF, CHECK_IN, ASTRAY):
        op.execute(part)


def downgrade() -> None:
    op.execute(DOWN)
