"""F93: keys with scopes. D17: only a digest of a key is stored."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from alembic import command
from pydantic import SecretStr
from sqlalchemy import select
from sqlmodel import col

from app.access.keys.find_caller import digest
from app.access.service import create_key, install_bootstrap_key
from app.audit.actor import KEY_OF_REQUEST, SYSTEM, Actor, ActorKind, person_actor
from app.audit.service import record
from app.audit.why import About, Why
from app.bootstrap import REGISTRY
from app.database import migrate, migration_config, transaction
from app.installation import prepare
from app.web.scopes import KeyRate, TooManyRequests, allows, scopes_of
from models.access import ApiKey, IdempotencyRecord
from models.audit import ObjectKind
from tests.fakes.clock import MONDAY_9AM, FakeClock
from tests.web.conftest import Desk


async def status_with(desk: Desk, key: str | None, path: str = "/departments") -> int:
    async with desk.client(key) as http:
        return (await http.get(path)).status_code


class TestWhoCalls:
    """Without a living key there is no answer but 401, with the scheme to use."""

    @pytest.mark.parametrize(
        "authorization",
        [None, "Bearer", "Bearer ", "Bearer stw_nobody", "Basic dXNlcjpwYXNz", "stw_without_scheme", "Bearer \x00"],
    )
    async def test_no_living_key_is_401(self, counter: Desk, authorization: str | None) -> None:
        async with counter.client() as http:
            headers = {} if authorization is None else {"Authorization": authorization}
            answer = await http.get("/departments", headers=headers)

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == 401

    async def test_the_word_bearer_may_be_written_in_any_case(self, counter: Desk) -> None:
        async with counter.client() as http:
            answer = await http.get("/departments", headers={"Authorization": f"bearer {counter.key}"})
        assert answer.status_code == 200

    async def test_an_ended_key_is_refused_at_the_next_request(self, desk: Desk) -> None:
        made = (await desk.make_key()).json()
        assert await status_with(desk, made["key"]) == 200
        assert (await desk.http.delete(f"/api-keys/{made['id']}")).status_code == 200

        assert await status_with(desk, made["key"]) == 401

    async def test_an_expired_key_is_refused_from_the_moment_on(self, desk: Desk, clock: FakeClock) -> None:
        expires = clock.now() + timedelta(hours=1)
        async with transaction(desk.sessions) as session:
            _, key = await create_key(
                session, name="一小时", scopes=["org:read"], actor=SYSTEM, now=clock.now(), expires_at=expires
            )
        clock.advance(timedelta(minutes=59))
        assert await status_with(desk, key) == 200
        clock.set(expires)

        assert await status_with(desk, key) == 401

    async def test_a_write_is_refused_before_its_idempotency_key_is_looked_at(self, counter: Desk) -> None:
        async with counter.client("stw_nobody") as http:
            answer = await http.post("/api-keys", json={}, headers={"Idempotency-Key": "k-1"})
        assert answer.status_code == 401


class TestWhatAKeyMayDo:
    """`<resource>:read` and `<resource>:write`; write includes read, and nothing includes another resource."""

    async def test_a_missing_scope_is_403_and_is_named(self, desk: Desk) -> None:
        key = await desk.key_with("groups:write")
        async with desk.client(key) as http:
            answer = await http.get("/departments")

        assert answer.status_code == 403
        assert answer.json()["type"] == "/problems/missing-scope"
        assert answer.json()["scope"] == "org:read"

    async def test_write_includes_read(self, desk: Desk) -> None:
        assert await status_with(desk, await desk.key_with("org:write")) == 200

    async def test_read_does_not_include_write(self, desk: Desk) -> None:
        async with desk.client(await desk.key_with("org:read")) as http:
            answer = await http.post("/sync-runs", json={})
        assert answer.status_code == 403

    @pytest.mark.parametrize("resource", [scope for scope in REGISTRY.scopes if ":" not in scope])
    def test_the_scopes_of_one_resource(self, resource: str) -> None:
        allowed = [scope for scope in scopes_of(REGISTRY) if allows([f"{resource}:write"], scope)]
        assert allowed == [f"{resource}:read", f"{resource}:write"]

    def test_acts_in_peoples_names_and_what_messages_say_are_scopes_of_their_own(self) -> None:
        acts = {"requests:decide", "announcements:confirm", "confirmations:decide", "tasks:act"}
        found = {scope for scope in scopes_of(REGISTRY) if not scope.endswith((":read", ":write"))}
        assert found == {*acts, "deliveries:content"}

    async def test_an_unknown_scope_cannot_be_given(self, counter: Desk) -> None:
        answer = await counter.make_key(scopes=("org:read", "org:fly"))
        assert answer.status_code == 400
        assert "org:fly" in answer.json()["detail"]


class TestKeysAreSecrets:
    async def test_only_the_digest_is_stored(self, desk: Desk) -> None:
        key = await desk.key_with("org:read")
        async with transaction(desk.sessions) as session:
            row = (await session.scalars(select(ApiKey).where(col(ApiKey.key_hash) == digest(key)))).one()

        assert key not in str(row.model_dump())
        assert len(row.prefix) < 10

    async def test_the_list_shows_every_key_and_none_of_them_in_full(self, desk: Desk) -> None:
        key = await desk.key_with("org:read")
        answer = await desk.http.get("/api-keys")

        assert [item["name"] for item in answer.json()["items"]] == ["bootstrap", "一个密钥"]
        assert key not in answer.text

    async def test_the_last_use_is_noted_at_most_once_a_minute(self, desk: Desk, clock: FakeClock) -> None:
        key = await desk.key_with("org:read")
        first = clock.advance(timedelta(seconds=1))
        await status_with(desk, key)
        clock.advance(timedelta(seconds=59))
        await status_with(desk, key)
        async with transaction(desk.sessions) as session:
            row = (await session.scalars(select(ApiKey).where(col(ApiKey.key_hash) == digest(key)))).one()

        assert row.last_used_at == first


class TestTheBootstrapKey:
    """BOOTSTRAP_API_KEY: an all-scopes key accepted as given, for the first start and for tests."""

    async def test_opens_everything(self, counter: Desk) -> None:
        for path in ("/departments", "/api-keys", "/audit", "/callbacks", "/policy"):
            assert await status_with(counter, counter.key, path) == 200

    async def test_another_one_replaces_it(self, desk: Desk, clock: FakeClock) -> None:
        other = "another-key-with-every-scope-0123456789"
        async with transaction(desk.sessions) as session:
            await install_bootstrap_key(session, key=other, now=clock.now())

        assert await status_with(desk, desk.key) == 401
        assert await status_with(desk, other) == 200

    async def test_none_ends_it(self, desk: Desk, clock: FakeClock) -> None:
        async with transaction(desk.sessions) as session:
            await install_bootstrap_key(session, key=None, now=clock.now())

        assert await status_with(desk, desk.key) == 401

    async def test_the_former_one_may_come_back(self, desk: Desk, clock: FakeClock) -> None:
        for key in (None, desk.key):
            async with transaction(desk.sessions) as session:
                await install_bootstrap_key(session, key=key, now=clock.now())

        assert await status_with(desk, desk.key) == 200

    async def test_one_that_somebody_has_ended_stays_ended(self, desk: Desk, clock: FakeClock) -> None:
        keys = (await desk.http.get("/api-keys")).json()["items"]
        assert (await desk.http.delete(f"/api-keys/{keys[0]['id']}")).status_code == 200
        await prepare(desk.services)

        assert await status_with(desk, desk.key) == 401

    async def test_a_second_start_leaves_it_alone(self, desk: Desk) -> None:
        await prepare(desk.services)
        assert await status_with(desk, desk.key) == 200
        assert await desk.keys_named("bootstrap") == 1

    def test_it_is_never_printed(self, counter: Desk) -> None:
        key = counter.services.settings.bootstrap_api_key
        assert isinstance(key, SecretStr)
        assert counter.key not in repr(counter.services.settings)


async def test_the_interface_description_needs_no_key(counter: Desk) -> None:
    """Somebody who has no key yet may read what there is."""
    async with counter.client() as http:
        answer: httpx.Response = await http.get("http://steward.test/openapi.json")
    assert answer.status_code == 200


class TestHowLongAKeyLives:
    @pytest.mark.parametrize(
        ("expires_at", "status"),
        [("2026-03-02T09:00:01+08:00", 201), ("2026-03-02T09:00:00+08:00", 400), ("2026-03-03T09:00:00", 422)],
    )
    async def test_it_ends_in_the_future_and_with_a_zone(self, desk: Desk, expires_at: str, status: int) -> None:
        body = {"name": "报表", "scopes": ["org:read"], "expires_at": expires_at}
        assert (await desk.http.post("/api-keys", json=body)).status_code == status


class TestASecretInAnAnswer:
    """The key of a new key is shown once, to nobody else."""

    async def test_no_store_is_asked_for_and_none_keeps_it_readable(self, desk: Desk) -> None:
        made = await desk.make_key("报表", once="k-1")
        async with transaction(desk.sessions) as session:
            kept = (await session.scalars(select(IdempotencyRecord))).one()
        assert kept.body is not None
        assert made.json()["key"].encode() not in kept.body

        again = await desk.make_key("报表", once="k-1")
        assert again.content == made.content
        assert {made.headers["cache-control"], again.headers["cache-control"]} == {"no-store"}
        assert again.headers["content-type"] == made.headers["content-type"]


class TestHowOftenAKeyMayAsk:
    """One caller that runs wild takes nothing from the others."""

    def test_a_minutes_worth_at_once_and_then_evenly(self) -> None:
        rate, key = KeyRate(60), UUID(int=1)
        for _ in range(60):
            rate.take(key, at=0)
        with pytest.raises(TooManyRequests) as refused:
            rate.take(key, at=0.5)
        assert refused.value.facts == {"retry_after": 1}
        rate.take(key, at=1)
        rate.take(UUID(int=2), at=1)

    def test_zero_is_no_limit(self) -> None:
        rate = KeyRate(0)
        for _ in range(1000):
            rate.take(UUID(int=1), at=0)

    async def test_too_many_are_429_with_the_time_to_wait(self, desk: Desk) -> None:
        desk.app.state.key_rate = KeyRate(1)
        assert await status_with(desk, desk.key) == 200
        answer = await desk.http.get("/departments")
        assert (answer.status_code, answer.json()["type"]) == (429, "/problems/too-many-requests")
        assert 1 <= int(answer.headers["retry-after"]) <= 60


class TestActsInAPersonsName:
    """Who decides, confirms or reports for people needs a scope for that, and the trail names key and person."""

    @pytest.mark.parametrize(
        ("path", "write", "act"),
        [
            (f"/requests/{UUID(int=1)}/decisions", "requests:write", "requests:decide"),
            (f"/announcements/{UUID(int=1)}/receipts", "announcements:write", "announcements:confirm"),
            *[
                (f"/tasks/{UUID(int=1)}/{verb}", "tasks:write", "tasks:act")
                for verb in ("accept", "progress", "blocked", "done")
            ],
        ],
    )
    async def test_writing_does_not_include_them(self, desk: Desk, path: str, write: str, act: str) -> None:
        async with desk.client(await desk.key_with(write)) as http:
            refused = await http.post(path, json={})
        assert (refused.status_code, refused.json()["scope"]) == (403, act)
        async with desk.client(await desk.key_with(act)) as http:
            assert (await http.post(path, json={})).status_code == 422

    async def test_keys_of_before_keep_what_they_could_do(self, desk: Desk, database: str) -> None:
        old = await desk.key_with("tasks:write")
        config = migration_config(database)
        await asyncio.to_thread(command.downgrade, config, "0012_read_people")
        async with transaction(desk.sessions) as session:
            scopes = await session.scalars(select(col(ApiKey.scopes)).where(col(ApiKey.name) == "一个密钥"))
            assert scopes.one() == ["tasks:write"]
        await asyncio.to_thread(migrate, database)
        async with desk.client(old) as http:
            assert (await http.post(f"/tasks/{UUID(int=1)}/done", json={"person": "x"})).status_code == 404

    async def test_the_trail_names_the_key_beside_the_person(self, desk: Desk) -> None:
        key = (await desk.http.get("/api-keys")).json()["items"][0]
        person = person_actor(UUID(int=1))
        token = KEY_OF_REQUEST.set(Actor(ActorKind.API_KEY, key["id"]))
        try:
            async with transaction(desk.sessions) as session:
                about = About(ObjectKind.PERSON, UUID(int=1))
                await record(session, "person.tried", about, Why(person), now=MONDAY_9AM)
        finally:
            KEY_OF_REQUEST.reset(token)
        row = (await desk.http.get("/audit", params={"object_kind": "person"})).json()["items"][0]
        assert (row["actor"], row["recorded_by"]) == (str(person), f"api_key:{key['id']}")
