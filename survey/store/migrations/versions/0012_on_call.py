"""Rotas that write shifts ahead, ways to reach a clinician that are proved, answers by text and key, and promises."""

from alembic import op

revision = "0012"
down_revision = "0011"

ROTAS = """
-- A rule in wall-clock time of its schedule's zone. Where both layers have somebody, layer 2 has the shift.
CREATE TABLE rotation (
  id uuid PRIMARY KEY,
  schedule_id uuid NOT NULL REFERENCES schedule,
  layer smallint NOT NULL CHECK (layer IN (1, 2)),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
  starts_local timestamp NOT NULL,             -- the first handover, on the wall
  unit text NOT NULL CHECK (unit IN ('day','week','month')),
  every int NOT NULL CHECK (every BETWEEN 1 AND 52),
  weekdays smallint[],                         -- 1 is Monday; null: every day
  from_time time, to_time time,                -- null: the whole day; past midnight when to_time <= from_time
  ends_on date,                                -- the last day; null: until it is ended
  added_by uuid NOT NULL REFERENCES app_user, added_at timestamptz NOT NULL, retired_at timestamptz,
  CHECK ((from_time IS NULL) = (to_time IS NULL)));
CREATE INDEX rotation_of_schedule ON rotation (schedule_id) WHERE retired_at IS NULL;
CREATE TABLE rotation_member (
  rotation_id uuid NOT NULL REFERENCES rotation, position int NOT NULL,
  user_id uuid NOT NULL REFERENCES app_user, PRIMARY KEY (rotation_id, position));

-- Stronger than every rotation and every feed.
CREATE TABLE shift_override (
  id uuid PRIMARY KEY,
  schedule_id uuid NOT NULL REFERENCES schedule, user_id uuid NOT NULL REFERENCES app_user,
  during tstzrange NOT NULL, reason text CHECK (length(reason) <= 200),
  made_by uuid NOT NULL REFERENCES app_user, made_at timestamptz NOT NULL, cancelled_at timestamptz,
  CHECK (NOT isempty(during) AND lower_inc(during) AND NOT upper_inc(during)
         AND NOT lower_inf(during) AND NOT upper_inf(during)),
  CONSTRAINT one_override_at_a_time EXCLUDE USING gist (schedule_id WITH =, during WITH &&)
    WHERE (cancelled_at IS NULL));
-- An override that the other side has to confirm first.
CREATE TABLE shift_swap (
  id uuid PRIMARY KEY,
  schedule_id uuid NOT NULL REFERENCES schedule, during tstzrange NOT NULL,
  offered_by uuid NOT NULL REFERENCES app_user, offered_to uuid NOT NULL REFERENCES app_user,
  offered_at timestamptz NOT NULL, answered_at timestamptz,
  answer text CHECK (answer IN ('accepted','declined','withdrawn')),
  override_id uuid REFERENCES shift_override,
  CHECK (offered_by <> offered_to), CHECK ((answer IS NULL) = (answered_at IS NULL)),
  CHECK ((answer = 'accepted') = (override_id IS NOT NULL)));

-- A rota kept elsewhere, read as iCalendar; what it said last, and who is meant by the names in it.
CREATE TABLE rota_feed (
  id uuid PRIMARY KEY,
  schedule_id uuid NOT NULL REFERENCES schedule, url text NOT NULL,
  added_by uuid NOT NULL REFERENCES app_user, added_at timestamptz NOT NULL, removed_at timestamptz,
  asked_at timestamptz, read_at timestamptz, fault text, unread int NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX rota_feed_once ON rota_feed (schedule_id) WHERE removed_at IS NULL;
CREATE TABLE rota_entry (
  feed_id uuid NOT NULL REFERENCES rota_feed, uid text NOT NULL,
  starts_at timestamptz NOT NULL, ends_at timestamptz NOT NULL, label text NOT NULL,
  user_id uuid REFERENCES app_user,            -- null: could not be matched
  PRIMARY KEY (feed_id, uid, starts_at));
CREATE TABLE rota_name (
  feed_id uuid NOT NULL REFERENCES rota_feed, label text NOT NULL, user_id uuid NOT NULL REFERENCES app_user,
  PRIMARY KEY (feed_id, label));
-- A shift put on by hand, kept whole while an override has a part of it, or its person's account is not in use.
CREATE TABLE hand_shift (
  id uuid PRIMARY KEY,
  schedule_id uuid NOT NULL REFERENCES schedule, user_id uuid NOT NULL REFERENCES app_user,
  during tstzrange NOT NULL CHECK (NOT isempty(during)));
CREATE INDEX hand_shift_of_schedule ON hand_shift (schedule_id);
ALTER TABLE shift ADD rotation_id uuid REFERENCES rotation, ADD override_id uuid REFERENCES shift_override,
  ADD feed_id uuid REFERENCES rota_feed, ADD hand_id uuid REFERENCES hand_shift,
  ADD CHECK (num_nonnulls(rotation_id, override_id, feed_id, hand_id) <= 1);

-- A clinician's own shifts as a calendar feed; the address is the key, and only its hash is kept.
CREATE TABLE calendar_feed (
  user_id uuid PRIMARY KEY REFERENCES app_user, token_sha256 bytea NOT NULL UNIQUE CHECK (length(token_sha256) = 32),
  made_at timestamptz NOT NULL);
CREATE TABLE gap_notice (                      -- mailed once for each of 14, 7, 3 and 1 days before
  schedule_id uuid NOT NULL REFERENCES schedule, starts_at timestamptz NOT NULL,
  days smallint NOT NULL CHECK (days IN (14, 7, 3, 1)),
  due_at timestamptz,                          -- when it is mailed, or mailed again; null: nothing is left to do
  told_at timestamptz, PRIMARY KEY (schedule_id, starts_at, days));
CREATE INDEX gap_notice_due ON gap_notice (due_at) WHERE due_at IS NOT NULL;
"""

REACH = """
ALTER TABLE contact_method DROP CONSTRAINT contact_method_kind_check,
  ADD CONSTRAINT contact_method_kind_check CHECK (kind IN ('sms','voice','email','apprise')),
  ADD label text CHECK (length(label) BETWEEN 1 AND 60),
  ADD tested_at timestamptz, ADD confirmed_at timestamptz;   -- the last test page, and the last that was answered
-- A code to type in, or a test page to answer.
CREATE TABLE contact_proof (
  id uuid PRIMARY KEY,
  contact_method_id uuid NOT NULL REFERENCES contact_method,
  purpose text NOT NULL CHECK (purpose IN ('verify','test')),
  secret_sha256 bytea NOT NULL CHECK (length(secret_sha256) = 32),
  shift_id uuid,                               -- the shift that the test is for
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending','leased','sent','failed')),
  due_at timestamptz NOT NULL, expires_at timestamptz NOT NULL,
  lease_until timestamptz, sent_at timestamptz, tries smallint NOT NULL DEFAULT 0 CHECK (tries <= 5),
  confirmed_at timestamptz, owner_told_at timestamptz);
CREATE UNIQUE INDEX contact_proof_of_shift ON contact_proof (contact_method_id, shift_id) WHERE shift_id IS NOT NULL;
CREATE INDEX contact_proof_due ON contact_proof (due_at) WHERE state = 'pending';
CREATE INDEX contact_proof_before_shifts ON contact_proof (due_at) WHERE shift_id IS NOT NULL;
CREATE INDEX contact_proof_secret ON contact_proof (secret_sha256);
-- A step may say by which kind it pages; null: by each person's own rules.
ALTER TABLE policy_step ADD kinds text[];
"""

TAKING = """
-- What a clinician texts back to take an alert: short, and one live code to a phone.
CREATE TABLE reply_code (
  contact_method_id uuid NOT NULL REFERENCES contact_method, code smallint NOT NULL CHECK (code BETWEEN 1 AND 99),
  alert_id uuid NOT NULL REFERENCES alert, given_at timestamptz NOT NULL, released_at timestamptz);
CREATE UNIQUE INDEX reply_code_live ON reply_code (contact_method_id, code) WHERE released_at IS NULL;
CREATE INDEX reply_code_of_phone ON reply_code (contact_method_id, given_at);
CREATE UNIQUE INDEX reply_code_one_per_alert ON reply_code (contact_method_id, alert_id) WHERE released_at IS NULL;
-- People asked by name, on top of the policy: paged with every step until it is taken.
CREATE TABLE alert_responder (
  alert_id uuid NOT NULL REFERENCES alert, user_id uuid NOT NULL REFERENCES app_user,
  added_by uuid NOT NULL REFERENCES app_user, added_at timestamptz NOT NULL, PRIMARY KEY (alert_id, user_id));
-- help: somebody has the alert, and others are asked to help. answer: how it stands, for whoever asked or lost it.
ALTER TABLE page DROP CONSTRAINT page_kind_check,
  ADD CONSTRAINT page_kind_check CHECK (kind IN ('call','nudge','help','answer'));
-- The phone asked for no more texts: from then on the owners of its schedules have to be mailed; null: nothing to tell.
ALTER TABLE contact_method ADD owner_due_at timestamptz;
CREATE INDEX contact_method_owner_due ON contact_method (owner_due_at) WHERE owner_due_at IS NOT NULL;
"""

PROMISES = """
-- When the patient was told to expect our call. One row for each time that was promised.
CREATE TABLE promise (
  id uuid PRIMARY KEY,
  alert_id uuid NOT NULL REFERENCES alert, made_at timestamptz NOT NULL, due_at timestamptz NOT NULL,
  kept_at timestamptz, broken_at timestamptz,
  cancelled_at timestamptz,                    -- an earlier one took its place, or the alert ended without the patient
  told_patient_at timestamptz,                 -- what to do instead was texted; null: no text was possible
  CONSTRAINT promise_once UNIQUE (alert_id, due_at),
  CHECK (kept_at IS NULL OR broken_at IS NULL OR broken_at <= kept_at));
CREATE INDEX promise_due ON promise (due_at) WHERE kept_at IS NULL AND broken_at IS NULL AND cancelled_at IS NULL;
-- What was broken before anybody counted is not texted about now.
INSERT INTO promise (id, alert_id, made_at, due_at, kept_at, broken_at, cancelled_at)
  SELECT gen_random_uuid(), id, created_at, promised_at,
    CASE WHEN contact_result = 'reached' THEN contacted_at END,
    CASE WHEN contact_result IS DISTINCT FROM 'reached' AND state <> 'resolved' AND promised_at < now()
      THEN promised_at END,
    CASE WHEN contact_result IS DISTINCT FROM 'reached' THEN resolved_at END
  FROM alert;
"""

STORY = """
-- Who handed the watch to whom, with which cases; ids only, read with the names of the moment.
CREATE TABLE handover (
  id uuid PRIMARY KEY,
  schedule_id uuid NOT NULL REFERENCES schedule, at timestamptz NOT NULL,
  from_user_id uuid NOT NULL REFERENCES app_user, to_user_id uuid NOT NULL REFERENCES app_user,
  sheet jsonb NOT NULL, note text CHECK (length(note) <= 1000),
  given_at timestamptz, taken_at timestamptz,  -- the two signatures
  CONSTRAINT handover_once UNIQUE (schedule_id, at));

-- A page that went out within another one's text.
ALTER TABLE page ADD bundled_in uuid REFERENCES page, ADD goes_alone boolean NOT NULL DEFAULT false;
CREATE INDEX page_within ON page (bundled_in) WHERE bundled_in IS NOT NULL;
-- How many alerts have paged one phone lately.
CREATE INDEX page_to_phone ON page (contact_method_id, not_before) WHERE kind = 'call';
"""

DOWN = """
DROP INDEX page_to_phone;
ALTER TABLE page DROP goes_alone, DROP bundled_in;
DROP TABLE handover, promise, alert_responder, reply_code, contact_proof;
ALTER TABLE contact_method DROP owner_due_at;
ALTER TABLE page DROP CONSTRAINT page_kind_check, ADD CONSTRAINT page_kind_check CHECK (kind IN ('call','nudge'));
ALTER TABLE policy_step DROP kinds;
ALTER TABLE contact_method DROP confirmed_at, DROP tested_at, DROP label, DROP CONSTRAINT contact_method_kind_check,
  ADD CONSTRAINT contact_method_kind_check CHECK (kind IN ('sms','voice','push','email','webhook'));
DROP TABLE gap_notice, calendar_feed;
ALTER TABLE shift DROP hand_id, DROP feed_id, DROP override_id, DROP rotation_id;
DROP TABLE hand_shift, rota_name, rota_entry, rota_feed, shift_swap, shift_override, rotation_member, rotation;
"""


def upgrade() -> None:
    for part in (ROTAS, REACH, TAKING, PROMISES, STORY):
        op.execute(part)


def downgrade() -> None:
    op.execute(DOWN)
