"""Sites, the people who sign in, their sessions, and the audit trail."""

from alembic import op

revision = "0001"
down_revision = None

UP = """
CREATE TABLE site (
  id uuid PRIMARY KEY,
  slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9-]+$'),
  name text NOT NULL,
  sms_name text NOT NULL CHECK (length(sms_name) BETWEEN 1 AND 24),  -- cap: every text must fit one GSM-7 segment
  zone text NOT NULL,
  phone text NOT NULL CHECK (phone ~ '^[+][0-9]{8,15}$'),
  emergency_number text NOT NULL DEFAULT '911' CHECK (emergency_number ~ '^[0-9]{3,6}$'),
  opens time NOT NULL DEFAULT '08:00', closes time NOT NULL DEFAULT '18:00' CHECK (opens < closes),
  workdays smallint[] NOT NULL DEFAULT '{1,2,3,4,5}');               -- ISO: 1 is Monday

CREATE TABLE app_user (
  id uuid PRIMARY KEY,
  email text NOT NULL CHECK (email = lower(email)),
  name text NOT NULL,
  role text NOT NULL CHECK (role IN ('staff','clinician','manager','admin','auditor')),
  password_hash text NOT NULL,
  active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL,
  CONSTRAINT app_user_email_once UNIQUE (email));

CREATE TABLE staff_session (
  token_sha256 bytea PRIMARY KEY CHECK (length(token_sha256) = 32),
  user_id uuid NOT NULL REFERENCES app_user,
  made_at timestamptz NOT NULL, seen_at timestamptz NOT NULL, ends_at timestamptz NOT NULL,
  ended_at timestamptz);
CREATE INDEX staff_session_of_user ON staff_session (user_id) WHERE ended_at IS NULL;

-- Security counters stand here and not in Redis: a flush must not unlock a door. Keyed hashes, no addresses.
CREATE TABLE sign_in_failure (
  id uuid PRIMARY KEY,
  account_sha256 bytea NOT NULL, network text NOT NULL, at timestamptz NOT NULL);
CREATE INDEX sign_in_failure_recent ON sign_in_failure (account_sha256, network, at);

CREATE TABLE audit_event (
  id uuid PRIMARY KEY,
  at timestamptz NOT NULL,
  actor_kind text NOT NULL CHECK (actor_kind IN ('system','user','patient','provider')), actor_id uuid,
  action text NOT NULL CHECK (action ~ '^[a-z_]+[.][a-z_]+$'),
  object_id uuid,
  detail jsonb NOT NULL DEFAULT '{}');                                -- ids, counts and codes; never values
CREATE INDEX audit_event_of_object ON audit_event (object_id, at);

CREATE TABLE engine_heartbeat (
  component text PRIMARY KEY, last_ok_at timestamptz NOT NULL, detail text NOT NULL DEFAULT '');

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_event FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit_event EXECUTE FUNCTION refuse_change();
"""

DOWN = """
DROP TABLE engine_heartbeat, audit_event, sign_in_failure, staff_session, app_user, site;
DROP FUNCTION refuse_change;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
