"""Who can be reached and when, escalation policies, alerts with their story, and the pages on the wire."""

from alembic import op

revision = "0004"
down_revision = "0003"

WHO = """
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE contact_method (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES app_user,
  kind text NOT NULL CHECK (kind IN ('sms','voice','push','email','webhook')),
  address text NOT NULL,
  verified_at timestamptz,                     -- null: never paged
  disabled_at timestamptz, disabled_reason text,
  CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL)),
  UNIQUE (id, user_id));
CREATE UNIQUE INDEX contact_method_one_live_owner ON contact_method (kind, address) WHERE disabled_at IS NULL;

CREATE TABLE notification_rule (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL, contact_method_id uuid NOT NULL,
  urgency text NOT NULL CHECK (urgency IN ('urgent','routine')),
  delay_s int NOT NULL CHECK (delay_s BETWEEN 0 AND 3600),
  FOREIGN KEY (contact_method_id, user_id) REFERENCES contact_method (id, user_id),
  UNIQUE (contact_method_id, urgency, delay_s));

CREATE TABLE schedule (
  id uuid PRIMARY KEY, name text NOT NULL UNIQUE, zone text NOT NULL, owner_id uuid REFERENCES app_user);
CREATE TABLE shift (
  id uuid PRIMARY KEY,
  schedule_id uuid NOT NULL REFERENCES schedule,
  user_id uuid NOT NULL REFERENCES app_user,
  during tstzrange NOT NULL,
  CHECK (NOT isempty(during) AND lower_inc(during) AND NOT upper_inc(during)
         AND NOT lower_inf(during) AND NOT upper_inf(during)),
  CONSTRAINT one_primary_at_a_time EXCLUDE USING gist (schedule_id WITH =, during WITH &&));

CREATE TABLE policy_version (
  id uuid PRIMARY KEY, policy text NOT NULL, version int NOT NULL CHECK (version > 0),
  published_at timestamptz NOT NULL,
  ack_ttl interval NOT NULL CHECK (ack_ttl BETWEEN '5 min' AND '4 h'),
  loop_every interval NOT NULL CHECK (loop_every BETWEEN '2 min' AND '15 min'),
  CONSTRAINT policy_version_once UNIQUE (policy, version));
CREATE TABLE policy_step (
  id uuid PRIMARY KEY,
  policy_version_id uuid NOT NULL REFERENCES policy_version,
  seq int NOT NULL CHECK (seq >= 0),
  wait interval NOT NULL CHECK (wait BETWEEN '1 min' AND '30 min'),
  is_last_resort boolean NOT NULL DEFAULT false,
  UNIQUE (policy_version_id, seq));
CREATE TABLE policy_target (
  step_id uuid NOT NULL REFERENCES policy_step,
  schedule_id uuid REFERENCES schedule, user_id uuid REFERENCES app_user,
  CHECK (num_nonnulls(schedule_id, user_id) = 1),
  UNIQUE NULLS NOT DISTINCT (step_id, schedule_id, user_id));
"""

ALERT = """
CREATE TABLE alert (
  id uuid PRIMARY KEY,
  short_no bigint GENERATED ALWAYS AS IDENTITY (START WITH 1001) UNIQUE,
  dedup_key text NOT NULL,                     -- survey_response:<id>:<1 for its first alert, 2 for the next>
  response_id uuid NOT NULL REFERENCES response,
  site_id uuid NOT NULL REFERENCES site,
  tier text NOT NULL CHECK (tier IN ('soon','urgent','emergency')),    -- the worst so far; never falls
  severity text NOT NULL CHECK (severity IN ('urgent','routine')),     -- routine never pages
  policy_version_id uuid NOT NULL REFERENCES policy_version,
  state text NOT NULL DEFAULT 'triggered' CHECK (state IN ('triggered','acknowledged','resolved')),
  epoch int NOT NULL DEFAULT 1,                -- +1 on every re-trigger: the fence
  step_seq int NOT NULL DEFAULT 0, cycle int NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL,
  next_action_at timestamptz,
  promised_at timestamptz NOT NULL,            -- when the patient was told to expect our call
  acked_by uuid REFERENCES app_user, acked_at timestamptz,
  contacted_by uuid REFERENCES app_user, contacted_at timestamptz,
  contact_result text CHECK (contact_result IN ('reached','voicemail','no_answer')),
  resolved_by uuid REFERENCES app_user, resolved_at timestamptz, outcome text,
  usefulness text CHECK (usefulness IN ('event_confirmed','worth_it','not_needed')),
  CONSTRAINT alert_once UNIQUE (dedup_key),
  CONSTRAINT severity_follows_tier CHECK ((severity = 'routine') = (tier = 'soon')),
  CONSTRAINT open_alert_always_has_a_deadline CHECK ((state = 'resolved') = (next_action_at IS NULL)),
  CONSTRAINT acked_has_owner CHECK (state <> 'acknowledged' OR (acked_by IS NOT NULL AND acked_at IS NOT NULL)),
  CONSTRAINT triggered_has_no_owner CHECK (state <> 'triggered' OR (acked_by IS NULL AND acked_at IS NULL)),
  CONSTRAINT contact_is_whole CHECK (num_nonnulls(contacted_by, contacted_at, contact_result) IN (0, 3)),
  CONSTRAINT resolved_is_explained CHECK ((state = 'resolved') =
    (num_nonnulls(resolved_at, resolved_by, outcome, usefulness, contact_result) = 5)
    AND (state = 'resolved' OR num_nonnulls(resolved_at, resolved_by, outcome, usefulness) = 0)));
CREATE INDEX alert_due ON alert (next_action_at) WHERE state <> 'resolved';
CREATE INDEX alert_by_site ON alert (site_id, created_at);
CREATE INDEX alert_of_response ON alert (response_id, created_at);
-- Resolved is the end of an alert; a new worry about the same response is a new alert.
CREATE UNIQUE INDEX alert_open_once_per_response ON alert (response_id) WHERE state <> 'resolved';

CREATE TABLE alert_event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  alert_id uuid NOT NULL REFERENCES alert,
  at timestamptz NOT NULL, kind text NOT NULL,
  actor_kind text NOT NULL CHECK (actor_kind IN ('system','user','provider')), actor_id uuid,
  epoch int NOT NULL, from_state text, to_state text, data jsonb NOT NULL DEFAULT '{}',
  idem_key text, CONSTRAINT alert_event_once UNIQUE (alert_id, idem_key));

CREATE FUNCTION alert_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'an alert is never deleted' USING ERRCODE = 'restrict_violation'; END IF;
  IF (OLD.state, NEW.state) NOT IN (('triggered','triggered'),('triggered','acknowledged'),('triggered','resolved'),
      ('acknowledged','acknowledged'),('acknowledged','triggered'),('acknowledged','resolved')) THEN
    RAISE EXCEPTION 'illegal alert transition % -> %', OLD.state, NEW.state USING ERRCODE = 'check_violation'; END IF;
  IF NEW.epoch < OLD.epoch
     OR (OLD.state = 'acknowledged' AND NEW.state = 'triggered' AND NEW.epoch <> OLD.epoch + 1) THEN
    RAISE EXCEPTION 'epoch must advance on re-trigger' USING ERRCODE = 'check_violation'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER alert_guard BEFORE UPDATE OR DELETE ON alert FOR EACH ROW EXECUTE FUNCTION alert_guard();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON alert_event FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON alert_event EXECUTE FUNCTION refuse_change();
"""

PAGES = """
CREATE TABLE page (
  id uuid PRIMARY KEY,
  alert_id uuid NOT NULL REFERENCES alert,
  kind text NOT NULL CHECK (kind IN ('call','nudge')),             -- nudge: to the one who has taken the alert
  epoch int NOT NULL, cycle int NOT NULL, step_seq int NOT NULL,
  user_id uuid NOT NULL, contact_method_id uuid NOT NULL, rule_delay_s int NOT NULL,
  state text NOT NULL DEFAULT 'pending' CHECK (state IN
    ('pending','leased','accepted','delivered','undelivered','failed','superseded')),
  not_before timestamptz NOT NULL, give_up_at timestamptz NOT NULL,
  attempts int NOT NULL DEFAULT 0,                                 -- every try; bounded by give_up_at alone
  maybe_sent smallint NOT NULL DEFAULT 0 CHECK (maybe_sent <= 3),  -- tries that may have reached the wire
  lease_token uuid, lease_until timestamptz, sent_at timestamptz,
  FOREIGN KEY (contact_method_id, user_id) REFERENCES contact_method (id, user_id),
  CONSTRAINT runnable_is_claimable CHECK (state <> 'pending' OR maybe_sent < 3),
  CONSTRAINT page_lease_shape CHECK ((state = 'leased') = (lease_token IS NOT NULL AND lease_until IS NOT NULL)),
  CONSTRAINT plan_once UNIQUE (alert_id, kind, epoch, cycle, step_seq, contact_method_id, rule_delay_s));
CREATE INDEX page_due ON page (not_before) WHERE state = 'pending';
CREATE INDEX page_leased ON page (lease_until) WHERE state = 'leased';
CREATE INDEX page_of_alert ON page (alert_id);

CREATE TABLE page_attempt (
  id uuid PRIMARY KEY,                         -- our reference at the provider, and in its receipt
  page_id uuid NOT NULL REFERENCES page, attempt_no int NOT NULL, provider text NOT NULL,
  lease_token uuid NOT NULL, started_at timestamptz NOT NULL, finished_at timestamptz,
  -- The link in this copy of the text. Each copy has its own: any of them may be the one that reached the phone.
  ack_token_sha256 bytea UNIQUE CHECK (length(ack_token_sha256) = 32),
  outcome text CHECK (outcome IN ('accepted','refused','try_later','unknown','lease_expired')),
  provider_ref text, detail text,
  delivery text, delivery_rank smallint NOT NULL DEFAULT 0, delivery_at timestamptz,
  UNIQUE (page_id, attempt_no));
-- Not unique: a provider that gives two texts one number must not keep us from recording that they were sent.
CREATE INDEX page_attempt_ref ON page_attempt (provider, provider_ref) WHERE provider_ref IS NOT NULL;
"""

DOWN = """
DROP TABLE page_attempt, page, alert_event, alert, policy_target, policy_step, policy_version, shift, schedule,
  notification_rule, contact_method;
DROP FUNCTION alert_guard;
"""


def upgrade() -> None:
    for part in (WHO, ALERT, PAGES):
        op.execute(part)


def downgrade() -> None:
    op.execute(DOWN)
