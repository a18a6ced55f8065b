"""A process that locks a row inside a transaction and then does nothing: the test freezes it."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from sqlalchemy import text

from app.database import Patience, create_engine


async def hold(url: str, idle_seconds: float) -> None:
    engine = create_engine(url, patience=Patience(idle=timedelta(seconds=idle_seconds)))
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE apps SET name = 'frozen' WHERE id = 'app'"))
        sys.stdout.write("locked\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)


if __name__ == "__main__":
    asyncio.run(hold(sys.argv[1], float(sys.argv[2])))
