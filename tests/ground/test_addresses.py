"""Where our pages are: paths for pages, public addresses for what is read on a phone."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from app import addresses
from app.database import create_sessions, transaction

NUMBER = UUID(int=7)


class TestALink:
    """A session carries the public address as it carries the time zone."""

    async def test_joins_the_public_address_and_the_path(self, shared_engine: AsyncEngine) -> None:
        sessions = create_sessions(shared_engine, public_url="https://steward.example.com/kit")
        async with transaction(sessions) as session:
            link = addresses.link(session, addresses.me_request(NUMBER))
        assert link == f"https://steward.example.com/kit/me/requests/{NUMBER}"

    async def test_is_none_without_a_public_address(self, shared_engine: AsyncEngine) -> None:
        async with transaction(create_sessions(shared_engine)) as session:
            assert addresses.link(session, addresses.ME) is None
