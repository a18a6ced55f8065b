"""Where our pages are: paths for pages, public addresses for what is read on a phone."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app import addresses
from app.bootstrap import REGISTRY
from app.database import create_sessions, transaction

NUMBER = UUID(int=7)


class TestThePages:
    """An address is that of a page in some domain's manifest: nobody is led to one that is not there."""

    LISTS: ClassVar = [value for name, value in vars(addresses).items() if name.startswith(("ME", "CONSOLE"))]
    BELOW: ClassVar = [addresses.CONSOLE_FINDINGS, addresses.CONSOLE_RETURNED]
    """Lists that are led to from another one."""
    DETAILS: ClassVar = [
        addresses.me_apply("join"),
        *(
            page(NUMBER)
            for page in (
                addresses.me_request,
                addresses.me_announcement,
                addresses.me_task,
                addresses.me_group,
                addresses.console_request,
                addresses.console_group,
                addresses.console_announcement,
                addresses.console_task,
                addresses.console_person,
            )
        ),
        addresses.console_department(7),
        *BELOW,
    ]

    @pytest.mark.parametrize("path", sorted({*LISTS} - {*BELOW}))
    def test_a_list_is_registered(self, path: str) -> None:
        assert path in REGISTRY.pages

    @pytest.mark.parametrize("path", DETAILS)
    def test_one_thing_stands_below_its_list(self, path: str) -> None:
        assert path.rpartition("/")[0] in REGISTRY.pages


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
