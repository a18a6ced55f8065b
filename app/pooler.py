"""A pooler between us and the database, recognised before it does harm.

PgBouncer in transaction pooling hands the connection to the server to somebody else after each transaction. LISTEN,
session locks and prepared statements then end up with strangers: callbacks wake nobody, two migrations run at once.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Final

import asyncpg

from app.database_url import DatabaseUrl, read_url

_STATEMENT_POOLING: Final = "statement pooling"
"""What PgBouncer says when it takes no transactions at all."""
_ROUNDS: Final = 3
_ROUND_SECONDS: Final = 3.0

TRANSACTION_POOLING: Final = (
    "STEWARD_DATABASE_URL: 前面是按事务分配连接的连接池（PgBouncer pool_mode=transaction 之类），本服务不能这样工作："
    "监听、锁和预备语句会落到别人的连接上。请直连 PostgreSQL，或给它一个 pool_mode=session 的池 "
    "(a pooler in transaction pooling: connect to PostgreSQL itself, or to a pool with pool_mode=session)"
)


class Pooling(StrEnum):
    NONE = "none"
    SESSION = "session"
    TRANSACTION = "transaction"


class TransactionPooling(Exception):
    """The service cannot work through this URL. The sentence says what to do."""

    def __init__(self) -> None:
        super().__init__(TRANSACTION_POOLING)


async def refuse_transaction_pooling(url: str) -> None:
    """Raises `TransactionPooling`, and whatever a database does that cannot be reached."""
    if await find_pooling(url) is Pooling.TRANSACTION:
        raise TransactionPooling


async def find_pooling(url: str) -> Pooling:
    """What stands between us and the server. A pooler gives its clients a process number of its own."""
    address = read_url(url)
    first = await _connect(address)
    try:
        try:
            mine = await _server_process(first)
        except asyncpg.ConnectionDoesNotExistError as error:
            if _STATEMENT_POOLING in str(error):
                return Pooling.TRANSACTION
            raise
        if mine == first.get_server_pid():
            return Pooling.NONE
        second = await _connect(address)
        try:
            return await _told_apart(first, second, mine)
        finally:
            second.terminate()
    finally:
        first.terminate()


async def _told_apart(first: asyncpg.Connection, second: asyncpg.Connection, mine: int) -> Pooling:
    """In session pooling each keeps its server; otherwise one meets the other's, or finds its own taken."""
    for _ in range(_ROUNDS):
        try:
            async with asyncio.timeout(_ROUND_SECONDS), second.transaction():
                if await _server_process(second) == mine or await _server_process(first) != mine:
                    return Pooling.TRANSACTION
        except TimeoutError:
            # A pool of one server, which the first holds: that it can hold it is what was to be found.
            return Pooling.SESSION
    return Pooling.SESSION


async def _connect(address: DatabaseUrl) -> asyncpg.Connection:
    # Nothing prepared: this must work through what it is meant to find.
    return await asyncpg.connect(**address.arguments(), statement_cache_size=0)


async def _server_process(connection: asyncpg.Connection) -> int:
    """In a transaction, for which every pooler keeps the server."""
    if connection.is_in_transaction():
        return int(await connection.fetchval("SELECT pg_backend_pid()"))
    async with connection.transaction():
        return int(await connection.fetchval("SELECT pg_backend_pid()"))
