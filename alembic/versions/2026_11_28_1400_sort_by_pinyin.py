"""Sort people and departments by the pinyin of their names.

Revision ID: 0039_sort_by_pinyin
Revises: 0038_entries_by_person

The names that are spelled already are sorted at once, from their spellings: those whose number is their place are the
first reading of a name from each of its signs on, and what one has before the next is the sound of that sign. What is
not spelled yet, or has no sign that is read, stands behind the others until the worker comes to it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039_sort_by_pinyin"
down_revision = "0038_entries_by_person"
branch_labels = None
depends_on = None

FOLDED = sa.String(collation="C")

# The first spelling of a name without any sign that is read is one of the alias: it does not begin as the name does.
FILL = """
UPDATE {table} SET name_key = coalesce(sounds.joined, '~') || chr(10) || {table}.name
FROM {table} named
LEFT JOIN (
    SELECT id, left(string_agg(sound, ' ' ORDER BY place), 200) AS joined
    FROM (
        SELECT {owner} AS id, place, left(pinyin, length(pinyin) - coalesce(length(lead(pinyin) OVER following), 0))
            AS sound
        FROM {spellings} WHERE number = place AND pinyin <> ''
        WINDOW following AS (PARTITION BY {owner} ORDER BY place)
    ) parts
    GROUP BY id
) sounds ON sounds.id = named.id AND EXISTS (
    SELECT FROM {spellings} first WHERE first.{owner} = named.id AND first.number = 0
    AND strpos(lower(normalize(named.name, NFKC)), left(first.name, 1)) > 0
)
WHERE {table}.id = named.id
"""

# What a run reads has no key in it: a person who is only sorted anew need not be read anew.
FORGET = """
CREATE FUNCTION forget_read_people_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM read_people) THEN
        DELETE FROM read_people WHERE person_id IN (
            SELECT is_now.id FROM is_now JOIN was ON was.id = is_now.id
            WHERE was.name_key = is_now.name_key OR was.updated_at <> is_now.updated_at
        );
    END IF;
    RETURN NULL;
END
$$
"""
ON_UPDATE = "CREATE TRIGGER forget_read_on_update AFTER UPDATE ON people REFERENCING "
FORGETS_UPDATED = (
    f"{ON_UPDATE} OLD TABLE AS was NEW TABLE AS is_now FOR EACH STATEMENT EXECUTE FUNCTION forget_read_people_updated()"
)
FORGETS_ALL = f"{ON_UPDATE} NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION forget_read_people()"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_people_name", table_name="people")
    op.execute("DROP TRIGGER forget_read_on_update ON people")
    for table, owner, spellings in (
        ("people", "person_id", "person_spellings"),
        ("departments", "department_id", "department_spellings"),
    ):
        op.add_column(table, sa.Column("name_key", FOLDED, server_default=sa.text("''"), nullable=False))
        op.execute(FILL.format(table=table, owner=owner, spellings=spellings))
    op.execute(FORGET)
    op.execute(FORGETS_UPDATED)
    op.create_index("ix_people_name_key", "people", ["name_key", "id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER forget_read_on_update ON people")
    op.execute("DROP FUNCTION forget_read_people_updated")
    op.execute(FORGETS_ALL)
    op.drop_index("ix_people_name_key", table_name="people")
    op.create_index("ix_people_name", "people", ["name", "id"])
    op.drop_column("departments", "name_key")
    op.drop_column("people", "name_key")
