"""F93: keys with scopes. D17: only a digest of a key is stored."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select
from sqlmodel import col

from app.access.keys import digest
from app.access.service import create_key, install_bootstrap_key
from app.audit.actor import SYSTEM
from app.bootstrap import REGISTRY
from app.database import transaction
from app.installation import prepare
from app.web.scopes import allows, scopes_of
from models.access import ApiKey
from tests.fakes.clock import FakeClock
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

    @pytest.mark.parametrize("resource", REGISTRY.scopes)
    def test_the_scopes_of_one_resource(self, resource: str) -> None:
        allowed = [scope for scope in scopes_of(REGISTRY) if allows([f"{resource}:write"], scope)]
        assert allowed == [f"{resource}:read", f"{resource}:write"]

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
