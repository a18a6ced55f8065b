"""The usual way to receive callbacks: wechatpy, and one INSERT for each request.

`python -m bench.usual`, with the settings of a service in its environment. The same framework, server, driver, pool and
database as the service has; what a tutorial would write, without group commit, time window or subjects.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Request, Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from wechatpy.enterprise import parse_message
from wechatpy.enterprise.crypto import WeChatCrypto

from app.database import async_url, create_engine
from app.settings import Settings, load_settings

TABLE = """
CREATE TABLE IF NOT EXISTS usual_events (
    id bigserial PRIMARY KEY, digest bytea NOT NULL UNIQUE, sender text NOT NULL, kind text NOT NULL,
    body bytea NOT NULL, received_at timestamptz NOT NULL DEFAULT now()
)
"""
INSERT = text(
    "INSERT INTO usual_events (digest, sender, kind, body) VALUES (:digest, :sender, :kind, :body) "
    "ON CONFLICT DO NOTHING"
)


def create_app(settings: Settings, engine: AsyncEngine) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with engine.begin() as connection:
            await connection.execute(text(TABLE))
        yield
        await engine.dispose()

    wecom = settings.wecom
    crypto = WeChatCrypto(wecom.app_token.get_secret_value(), wecom.app_aes_key.get_secret_value(), wecom.corp_id)
    app = FastAPI(lifespan=lifespan)

    @app.get("/healthz")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/callbacks/app")
    async def receive(request: Request, msg_signature: str, timestamp: str, nonce: str) -> Response:
        body = await request.body()
        plaintext = crypto.decrypt_message(body, msg_signature, timestamp, nonce)
        message = parse_message(plaintext)
        raw = plaintext if isinstance(plaintext, bytes) else plaintext.encode()
        async with engine.begin() as connection:
            await connection.execute(
                INSERT,
                {"digest": hashlib.sha256(raw).digest(), "sender": message.source, "kind": message.type, "body": raw},
            )
        return Response()

    return app


def main() -> None:
    settings = load_settings(os.environ)
    assert settings.database_url is not None
    engine = create_engine(async_url(settings.database_url.get_secret_value()))
    host, port = settings.listen_address
    config = uvicorn.Config(
        create_app(settings, engine), host=host, port=port, access_log=False, log_config=None, server_header=False
    )
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
