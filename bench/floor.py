"""The floor of a sync: fetch and parse the pages that a sync fetches, with its own client, and do nothing with them.

`python -m bench.floor`, with the settings of a service in its environment. Prints how long it took, as JSON. Tokens are
fetched before the clock starts; pages are read as many at a time as a sync reads them.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time

from app.bootstrap import Services
from app.cli.session import database, read_settings, services
from app.database import transaction
from app.policy import service as policies
from app.sync.changes.tags import wanted_tags
from app.sync.reading import fetch
from app.sync.reading.fetch import Problems
from app.wecom.errors import WecomError


async def read_everything(built: Services) -> dict[str, float]:
    """Every page of a full run, in its order."""
    platform, problems = built.platform, Problems()
    async with transaction(built.sessions) as session:
        policy = await policies.in_force(session, now=built.clock.now())
        choose = await wanted_tags(session, policy.document)
    await platform.contacts.get_department_ids()
    began, used = time.perf_counter(), time.process_time()
    outline = await fetch.read_outline(platform, problems)
    people = 0
    keys = [department.id for department in outline.details or []]
    async for _, answer in fetch.concurrently(keys, platform.app.list_users):
        if isinstance(answer, WecomError):
            raise answer
        people += len(answer)
    async for _ in fetch.read_named_people(platform, outline.agent, problems, known=lambda _userid: True):
        pass
    await fetch.read_tags(platform.app, problems, choose=choose)
    if problems.sentences:
        raise RuntimeError("; ".join(problems.sentences))
    return {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - used,
        "pages": len(keys),
        "people": people,
    }


async def _main(url: str) -> None:
    async with services(read_settings(logging.WARNING), url) as built:
        print(json.dumps(await read_everything(built)))


if __name__ == "__main__":
    with database(read_settings(logging.WARNING)) as url:
        asyncio.run(_main(url))
