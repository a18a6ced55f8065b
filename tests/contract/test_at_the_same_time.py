"""Fifty callers with one `Idempotency-Key` (F94)."""

from __future__ import annotations

import asyncio
from collections import Counter
from uuid import uuid4

import httpx
import pytest

from tests.contract.conftest import Installation

CLIENTS = 50


class TestFiftyClientsWithOneKey:
    """F94: whoever asks again, or at the same time, gets the one object."""

    @pytest.mark.parametrize("path", ["/tasks", "/requests"])
    async def test_one_object_comes_of_it(self, installation: Installation, path: str) -> None:
        body = _bodies(installation)[path]
        before = await _count(installation, path)
        async with httpx.AsyncClient(
            base_url=f"{installation.url}/api/v1", headers={"Authorization": f"Bearer {installation.key}"}, timeout=60
        ) as client:
            key = {"Idempotency-Key": str(uuid4())}
            answers = await asyncio.gather(*(client.post(path, json=body, headers=key) for _ in range(CLIENTS)))
            later = await client.post(path, json=body, headers=key)

        seen = Counter(answer.status_code for answer in answers)
        assert set(seen) <= {httpx.codes.CREATED, httpx.codes.CONFLICT}, seen
        assert later.status_code == httpx.codes.CREATED
        assert {answer.json()["id"] for answer in answers if answer.status_code == httpx.codes.CREATED} == {
            later.json()["id"]
        }
        refused = [answer.json() for answer in answers if answer.status_code == httpx.codes.CONFLICT]
        assert all("request-in-flight" in problem["type"] for problem in refused)
        assert await _count(installation, path) == before + 1


def _bodies(installation: Installation) -> dict[str, dict[str, object]]:
    userid = installation.known["userid"]
    return {
        "/tasks": {
            "title": "核对名单",
            "acceptance": "名单一致",
            "assigner": userid,
            "owner": userid,
            "due_at": "2099-01-05T10:00:00+08:00",
        },
        "/requests": {
            "kind": "exit",
            "requester": userid,
            "reason": "不再参与",
            "payload": {"group_id": installation.known["group_id"], "person": userid},
        },
    }


async def _count(installation: Installation, path: str) -> int:
    headers = {"Authorization": f"Bearer {installation.key}"}
    async with httpx.AsyncClient(base_url=f"{installation.url}/api/v1", headers=headers, timeout=60) as client:
        return len((await client.get(path, params={"limit": 200})).json()["items"])
