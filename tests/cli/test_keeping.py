"""Backup and restore of real data, and a SECRET_KEY that changes."""

from __future__ import annotations

import asyncpg

from tests.cli.conftest import Steward
from tests.databases import dsn

OTHER_KEY = "another-secret-key-of-forty-characters-or-so"

EVERY_TABLE = """
SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables
WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""


class TestBackup:
    async def test_what_was_saved_is_there_again(self, steward: Steward, unmigrated: Steward) -> None:
        made = (await steward("api-key", "create", "报表系统", "--scope", "org:read", "--json")).json()
        file = str(steward.folder / "steward.dump")
        assert (await steward("backup", file)).code == 0
        assert (await steward("backup", file)).code == 1, "a backup is never overwritten"

        ran = await unmigrated("restore", file)
        assert ran.code == 0, ran.err
        assert (await unmigrated("migrate")).code == 0
        keys = (await unmigrated("api-key", "list", "--json")).json()
        assert made["id"] in {row["id"] for row in keys}

    async def test_a_database_that_is_not_empty_is_refused(self, steward: Steward) -> None:
        file = str(steward.folder / "steward.dump")
        assert (await steward("backup", file)).code == 0
        assert (await steward("restore", file)).code == 1


class TestMigrate:
    async def test_one_step_back_and_forward_again(self, unmigrated: Steward) -> None:
        top = (await unmigrated("migrate")).out
        back = await unmigrated("migrate", "-1")
        assert back.code == 0, back.err
        assert back.out != top
        assert (await unmigrated("migrate")).out == top

    async def test_a_schema_that_this_program_does_not_know_ends_with_3(self, unmigrated: Steward) -> None:
        ran = await unmigrated("migrate", "9999_future")
        assert (ran.code, "Traceback" in ran.err) == (3, False)

    async def test_a_table_in_use_is_told_and_tried_again_by_the_operator(self, unmigrated: Steward) -> None:
        assert (await unmigrated("migrate")).code == 0
        connection = await asyncpg.connect(dsn(unmigrated.environment["STEWARD_DATABASE_URL"]))
        async with connection.transaction():
            # All of them: whichever the newest migration changes.
            tables = await connection.fetchval(EVERY_TABLE)
            await connection.execute(f"LOCK TABLE {tables}")
            ran = await unmigrated("migrate", "-1")
        await connection.close()
        assert (ran.code, "Traceback" in ran.err) == (1, False)
        assert "lock timeout" in ran.err
        assert (await unmigrated("migrate", "-1")).code == 0


class TestSecretKey:
    async def test_a_new_key_is_adopted_and_the_old_one_is_refused(self, steward: Steward) -> None:
        assert (await steward("api-key", "list")).code == 0
        assert (await steward("api-key", "list", STEWARD_SECRET_KEY=OTHER_KEY)).code == 2
        ran = await steward("secret-key", "rotate", STEWARD_SECRET_KEY=OTHER_KEY)
        assert ran.code == 0, ran.err
        assert (await steward("api-key", "list", STEWARD_SECRET_KEY=OTHER_KEY)).code == 0
        assert (await steward("api-key", "list")).code == 2
