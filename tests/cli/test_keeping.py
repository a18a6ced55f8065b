"""Backup and restore of real data, and a SECRET_KEY that changes."""

from __future__ import annotations

from tests.cli.conftest import Steward

OTHER_KEY = "another-secret-key-of-forty-characters-or-so"


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


class TestSecretKey:
    async def test_a_new_key_is_adopted_and_the_old_one_is_refused(self, steward: Steward) -> None:
        assert (await steward("api-key", "list")).code == 0
        assert (await steward("api-key", "list", STEWARD_SECRET_KEY=OTHER_KEY)).code == 2
        ran = await steward("secret-key", "rotate", STEWARD_SECRET_KEY=OTHER_KEY)
        assert ran.code == 0, ran.err
        assert (await steward("api-key", "list", STEWARD_SECRET_KEY=OTHER_KEY)).code == 0
        assert (await steward("api-key", "list")).code == 2
