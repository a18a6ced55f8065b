"""Changes that were under way when changes began to be recorded: the migration takes them over, and they go on."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col

from app.database import Sessions, migrate, migration_config, transaction
from app.inbox.service import RECONCILE, ReconcilePayload
from app.ledger.service import Resolution, resolve_call
from models.delivery import CallKind, CallState
from models.groups import Group, GroupChange, GroupChangePerson, GroupState
from models.ids import fold, new_id
from tests.groups.office import Office

OURS = "0009_group_changes"

INSERT_CALL = text(
    """
    INSERT INTO outgoing_calls (
        id, app_id, kind, purpose, subject_kind, subject_id, part, request_body, request_sha256, ordering_key, state,
        attempts, finished_at, errcode, error, previous_id,
        policy_version_id, rule_key, actor, correlation_id, created_at
    ) VALUES (
        :id, 'app', :kind, :purpose, 'group', :group_id, 1, :body, :sha256, :ordering_key, :state,
        1, :finished_at, :errcode, :error, :previous_id,
        :policy_version_id, 'group.roster', 'system:steward', 'test', :now
    )
    """
)
INSERT_STAY = text(
    """
    INSERT INTO group_members (group_id, person_id, desired, observed, reason, call_id, desired_since)
    VALUES (:group_id, :person_id, true, false, 'added', :call_id, :now)
    """
)


class OldRelease:
    """Writes rows as the release before did: the call with its bytes, the stays that it carries, and nothing else."""

    def __init__(self, office: Office, group: Group) -> None:
        self.office, self.group = office, group

    async def call(
        self,
        state: CallState,
        *,
        adds: tuple[str, ...] = (),
        kind: CallKind = CallKind.APPCHAT_UPDATE,
        previous_id: UUID | None = None,
        errcode: int | None = None,
        **body: Any,
    ) -> UUID:
        if adds:
            body["add_user_list"] = list(adds)
        sent = json.dumps({"chatid": self.group.chatid, **body}, ensure_ascii=False).encode()
        ended = state in {CallState.DONE, CallState.FAILED, CallState.REPLACED}
        now = self.office.clock.now()
        row = {
            "id": new_id(),
            "kind": kind.value,
            "purpose": "group.create" if kind is CallKind.APPCHAT_CREATE else "group.roster",
            "group_id": str(self.group.id),
            "body": sent,
            "sha256": hashlib.sha256(sent).digest(),
            "ordering_key": f"group:{self.group.id}",
            "state": state.value,
            "finished_at": now if ended else None,
            "errcode": errcode,
            "error": f"errcode {errcode}" if errcode else None,
            "previous_id": previous_id,
            "policy_version_id": self.group.policy_version_id,
            "now": now,
        }
        async with transaction(self.office.sessions) as session:
            await session.execute(INSERT_CALL, row)
            for userid in adds if previous_id is None else ():
                stay = {
                    "group_id": self.group.id,
                    "person_id": self.office.id(fold(userid)),
                    "call_id": row["id"],
                    "now": now,
                }
                await session.execute(INSERT_STAY, stay)
        self.office.clock.advance(timedelta(seconds=1))
        return UUID(str(row["id"]))

    async def job(self, name: str, call_id: UUID) -> None:
        async with transaction(self.office.sessions) as session:
            await session.execute(
                text(
                    "INSERT INTO pgqueuer (priority, status, entrypoint, payload) VALUES (0, 'queued', :name, :payload)"
                ),
                {"name": name, "payload": json.dumps({"call_id": str(call_id)}).encode()},
            )


def engine_of(sessions: Sessions) -> AsyncEngine:
    engine: AsyncEngine = sessions.kw["bind"]
    return engine


async def back(database: str, sessions: Sessions) -> None:
    """To the schema before changes were recorded. What the downgrade leaves is what the release before knew."""
    config = migration_config(database)
    before = ScriptDirectory.from_config(config).get_revision(OURS).down_revision
    assert isinstance(before, str)
    await engine_of(sessions).dispose()
    await asyncio.to_thread(command.downgrade, config, before)


async def upgrade(database: str, sessions: Sessions) -> None:
    await engine_of(sessions).dispose()
    await asyncio.to_thread(migrate, database)


@pytest.fixture
async def old(database: str, busy_office: Office) -> OldRelease:
    """A group on the platform, and a database as the release before left it."""
    group = await busy_office.project("li", "han")
    await back(database, busy_office.sessions)
    return OldRelease(busy_office, group)


async def people_of(office: Office, call_id: UUID) -> dict[str, tuple[UUID | None, str]]:
    async with office.sessions() as session:
        statement = (
            select(GroupChangePerson)
            .join(GroupChange, col(GroupChange.id) == col(GroupChangePerson.change_id))
            .where(col(GroupChange.call_id) == call_id)
        )
        return {row.userid: (row.person_id, row.state.value) for row in await session.scalars(statement)}


async def states(office: Office, call_id: UUID) -> dict[str, str]:
    return {userid: state for userid, (_, state) in (await people_of(office, call_id)).items()}


class TestUpgrade:
    async def test_what_had_ended_is_recorded_for_each_person(self, database: str, old: OldRelease) -> None:
        office = old.office
        failed = await old.call(CallState.FAILED, adds=("Zhao",), errcode=86216, owner="li", name="新名")
        replaced = await old.call(CallState.REPLACED, adds=("qian", "sun"))
        await old.call(CallState.DONE, adds=("sun",), previous_id=replaced)
        stranger = await old.call(CallState.DONE, del_user_list=["nobody"])
        (creation,) = await office.calls(CallKind.APPCHAT_CREATE)

        await upgrade(database, office.sessions)

        assert await people_of(office, creation.id) == {
            userid: (office.id(userid), "done") for userid in ("wang", "li", "han")
        }
        assert await people_of(office, failed) == {"zhao": (office.id("zhao"), "failed")}
        assert await states(office, replaced) == {"qian": "done", "sun": "done"}
        assert await people_of(office, stranger) == {"nobody": (None, "done")}
        async with office.sessions() as session:
            changes = {
                row.call_id: row
                for row in await session.scalars(select(GroupChange).order_by(col(GroupChange.created_at)))
            }
        assert len(changes) == 4
        assert (changes[creation.id].kind, changes[creation.id].owner_userid) == ("create", "wang")
        assert (changes[failed].kind, changes[failed].owner_userid, changes[failed].name) == ("update", "li", "新名")
        assert all(change.settled_at is not None for change in changes.values())

    async def test_a_waiting_call_is_made_and_takes_effect(self, database: str, old: OldRelease) -> None:
        office = old.office
        call_id = await old.call(CallState.READY, adds=("zhao",))
        await old.job("delivery.make_call", call_id)

        await upgrade(database, office.sessions)
        assert await states(office, call_id) == {"zhao": "pending"}
        await office.work()

        assert await states(office, call_id) == {"zhao": "done"}
        assert "zhao" in await office.roster(old.group)
        assert (await office.stay(old.group, "zhao")).observed

    async def test_a_call_of_unknown_outcome_is_settled_by_person(self, database: str, old: OldRelease) -> None:
        office = old.office
        call_id = await old.call(CallState.UNKNOWN, adds=("zhao", "qian"))
        await office.sandbox.add_to_group(old.group.chatid, "zhao")

        await upgrade(database, office.sessions)
        await office.reconcile(old.group)

        assert await states(office, call_id) == {"zhao": "done", "qian": "unknown"}
        assert await office.findings(old.group, None) == []
        async with transaction(office.sessions) as session:
            await resolve_call(
                session, call_id=call_id, resolution=Resolution.DONE, actor=office.actor, now=office.clock.now()
            )
        assert await states(office, call_id) == {"zhao": "done", "qian": "done"}
        assert (await office.stay(old.group, "qian")).observed

    async def test_a_refusal_that_nobody_has_looked_into_yet_is(self, database: str, old: OldRelease) -> None:
        office = old.office
        call_id = await old.call(CallState.FAILED, adds=("zhao", "qian"), errcode=86216)
        await old.job("groups.settle", call_id)
        await office.sandbox.add_to_group(old.group.chatid, "zhao")

        await upgrade(database, office.sessions)
        await office.work()

        assert await states(office, call_id) == {"zhao": "done", "qian": "failed"}
        assert {"zhao", "qian"} <= await office.roster(old.group)
        assert (await office.stay(old.group, "qian")).observed

    async def test_a_replacing_call_under_way_ends_the_whole_change(self, database: str, old: OldRelease) -> None:
        office = old.office
        first = await old.call(CallState.REPLACED, adds=("zhao", "qian"))
        rest = await old.call(CallState.READY, adds=("qian",), previous_id=first)
        await old.job("delivery.make_call", rest)
        await office.sandbox.add_to_group(old.group.chatid, "zhao")

        await upgrade(database, office.sessions)
        assert await states(office, first) == {"zhao": "pending", "qian": "pending"}
        await office.work()

        assert await states(office, first) == {"zhao": "done", "qian": "done"}
        assert (await office.stay(old.group, "zhao")).observed

    async def test_a_call_that_an_older_serve_asks_for_after_the_migration_counts(
        self, database: str, old: OldRelease
    ) -> None:
        """docs/operators.md, Upgrade: `serve` is replaced last, and goes on taking requests on the new schema."""
        office = old.office
        await upgrade(database, office.sessions)
        call_id = await old.call(CallState.READY, adds=("zhao",))
        await old.job("delivery.make_call", call_id)
        await office.sandbox.add_to_group(old.group.chatid, "zhao")
        await office.sandbox.add_to_group(old.group.chatid, "sun")

        await office.run_only(RECONCILE, ReconcilePayload(group_id=old.group.id))
        assert [finding.person_id for finding in await office.findings(old.group)] == [office.id("sun")]
        await office.work()

        assert await people_of(office, call_id) == {"zhao": (office.id("zhao"), "done")}
        assert (await office.stay(old.group, "zhao")).observed

    async def test_a_creation_of_unknown_outcome_is_found_by_a_snapshot(
        self, database: str, busy_office: Office
    ) -> None:
        office = busy_office
        await office.sandbox.fail("appchat/create", timeout=True, when="after")
        await office.sandbox.fail("appchat/create", http_status=502, times=None)
        request = await office.granted(
            "create_group", "li", name="研发部-新品", type="project", purpose="协作", members=["han"]
        )
        await office.exhaust(CallKind.APPCHAT_CREATE)
        await office.sandbox.clear_faults()
        await back(database, office.sessions)

        await upgrade(database, office.sessions)
        (call,) = await office.calls(CallKind.APPCHAT_CREATE)
        assert set((await states(office, call.id)).values()) == {"unknown"}
        group = await office.group_of(request)
        await office.reconcile(group)

        assert (await office.now(group)).state is GroupState.ACTIVE
        assert set((await states(office, call.id)).values()) == {"done"}
        assert (await office.stay(group, "han")).observed
