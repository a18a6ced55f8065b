"""The web application: `create_app(services)`. The REST routers come from the domains' manifests."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from fastapi_offline import core as offline
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.access.documentation import document_scopes
from app.access.keys.request_log import Logged
from app.approvals.presentation import document_kinds
from app.bootstrap import REGISTRY, Services
from app.console.router import router as console
from app.doctor.for_pages import examination_of
from app.events.documentation import document_events
from app.events.router import answer_who_waits
from app.h5.router import router as h5
from app.pages.drawing.assets import MOUNTED, Assets
from app.pages.route import answer_people
from app.pages.router import router as nowhere
from app.probes.measure import Measured
from app.probes.router import router as health
from app.sign_in.router import router as sign_in
from app.web import problems
from app.web.middleware import Edge
from app.web.router import router as explained
from callbacks.router import ADDRESS, Door
from callbacks.router import router as callbacks

__all__ = ["TITLE", "Application", "answer_who_waits", "create_app", "create_probes"]

TITLE: Final = "企微管家 wecom-steward"
OPENAPI: Final = "/openapi.json"
DOCS_ASSETS: Final = "/static-offline-docs"
DOCS_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""For the page of the interface alone. It starts its script, and writes its styles, within the page."""
DESCRIPTION = """\
企微管家：企业微信的回调、组织架构、群制度、审批、通知与任务。

* 身份：`Authorization: Bearer KEY`（用 `steward api-key create` 创建）。
* 写操作都可带 `Idempotency-Key`：24 小时内同一个键只做一次，重复请求得到同样的回答。
* 出错时返回 RFC 9457 问题文档（`application/problem+json`），`detail` 是给人看的一句话。
* 列表按游标翻页：把 `next_cursor` 作为下一页的 `cursor`。
* 人用企业微信 `userid` 称呼，部门用企业微信部门 id 称呼。

WeCom Steward: callbacks, organisation, group policy, approvals, announcements and tasks for Enterprise WeChat.
"""


class Application(FastAPI):
    """FastAPI, with the platform's door in front of it.

    A callback needs nothing of the layers in between, and waits for its commit inside of all of them: measured, they
    were a third of the time that the process spends on it.
    """

    door = Edge(Door())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (path := _whole(scope["path"])).startswith(ADDRESS):
            scope.update(app=self, path_params={"channel": path.removeprefix(ADDRESS)})
            await self.door(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _whole(path: str) -> str:
    """Whoever joins an address and a path often doubles the slash between them."""
    return re.sub("/{2,}", "/", path) if "//" in path else path


def create_app(services: Services) -> FastAPI:
    """The application that production and tests run."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await services.intake.start()
        await services.request_log.start()
        try:
            yield
        finally:
            await services.request_log.stop()
            await services.intake.stop()

    app = Application(
        title=TITLE,
        version=version("wecom-steward"),
        description=DESCRIPTION,
        lifespan=lifespan,
        openapi_url=OPENAPI,
        docs_url=None,
        redoc_url=None,
        # An address with a slash too many is a mistake to be told: a redirect would lose the body of a POST on its way.
        redirect_slashes=False,
    )
    app.state.services = services
    app.state.examine = examination_of(services)
    app.router.routes.extend(_addresses().routes)
    problems.install(app)
    app.add_exception_handler(HTTPException, _nowhere)
    document_kinds(app, services.registry.kinds)
    document_scopes(app, services.registry)
    document_events(app)
    app.add_middleware(Logged)
    app.add_middleware(Edge)
    app.add_middleware(Measured)
    return app


async def _nowhere(request: Request, error: Exception) -> Response:
    """An address that leads nowhere: people read a page, programs a problem."""
    people = await answer_people(request) if getattr(error, "status_code", 0) == HTTPStatus.NOT_FOUND else None
    return people or await problems.http_error(request, error)


@cache
def _addresses() -> APIRouter:
    """Every route, with the domains' under /api/v1. They hold nothing of an application: what an endpoint needs is in
    `request.app.state`.

    Made once: composing the routes takes half a second, FastAPI remembers whatever has been composed, and tests make
    an application for nearly every test that opens a page.
    """
    all_of_them = APIRouter()
    all_of_them.mount(DOCS_ASSETS, StaticFiles(directory=Path(offline.__file__).parent / "static"), name="docs-assets")
    all_of_them.add_api_route("/docs", _docs, include_in_schema=False)
    api = APIRouter(prefix="/api/v1", responses=problems.problems(400, 401, 403, 413, 422, 429, 503))
    for router in REGISTRY.routers:
        api.include_router(router)
    all_of_them.include_router(callbacks)
    all_of_them.include_router(api)
    all_of_them.include_router(health)
    all_of_them.include_router(explained)
    all_of_them.mount(MOUNTED, Assets(), name="assets")
    for face in (sign_in, h5, console, nowhere):
        all_of_them.include_router(face)
    return all_of_them


async def _docs() -> HTMLResponse:
    """The page comes with its scripts: it works in a network without the internet.

    Not `FastAPIOffline`: it makes its routes anew for each application.
    """
    page = get_swagger_ui_html(
        openapi_url=OPENAPI,
        title=TITLE,
        swagger_js_url=f"{DOCS_ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{DOCS_ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{DOCS_ASSETS}/favicon.png",
    )
    page.headers["cache-control"] = "no-cache"
    page.headers["content-security-policy"] = DOCS_POLICY
    return page


def create_probes(services: Services) -> FastAPI:
    """What a worker answers: probes and metrics, what its problems mean, and nothing else."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.services = services
    app.include_router(health)
    app.include_router(explained)
    problems.install(app)
    app.add_middleware(Edge)
    return app
