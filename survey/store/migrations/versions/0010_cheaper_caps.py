"""The cap of three texts in seven days costs one look at the number's days where there are few of them."""

from alembic import op

revision = "0010"
down_revision = "0009"

# Fewer than three days within six of the new one make no week of four, whatever they are.
LOOK = """
CREATE OR REPLACE FUNCTION three_texts_a_week() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(NEW.address, 8));
  IF {few}EXISTS (SELECT FROM generate_series(0, 6) AS back WHERE (
      SELECT count(*) FROM text_day
      WHERE address = NEW.address AND day BETWEEN NEW.day - back AND NEW.day - back + 6) >= 3) THEN
    RAISE EXCEPTION 'three texts in seven days' USING ERRCODE = 'check_violation', CONSTRAINT = 'three_texts_a_week';
  END IF;
  RETURN NEW;
END $$;
"""
FEW = """(SELECT count(*) FROM text_day WHERE address = NEW.address AND day BETWEEN NEW.day - 6 AND NEW.day + 6) >= 3
    AND """


def upgrade() -> None:
    op.execute(LOOK.format(few=FEW))


def downgrade() -> None:
    op.execute(LOOK.format(few=""))
