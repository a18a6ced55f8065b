"""The sandbox as an ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from fastapi_offline import core as offline
from starlette.exceptions import HTTPException
from starlette.routing import Route

from sandbox.api.exports import export_file
from sandbox.api.gateway import Gateway
from sandbox.byte_ranges import file_response
from sandbox.config import SandboxConfig
from sandbox.control import (
    approvals,
    customers,
    groups,
    open_approvals,
    organisation,
    people,
    platform,
    robots,
    schedules,
    sign_in,
)
from sandbox.control.wiring import add_error_handlers
from sandbox.pages import activity, admin, endpoints, language, phones
from sandbox.pages.drawing import STATIC
from sandbox.replies import apply_reply
from sandbox.seed import Progress
from sandbox.state import SandboxState

TITLE = "WeCom sandbox"
OPENAPI = "/sandbox/openapi.json"
DOCS_ASSETS = "/sandbox/static"
OWN_PATHS = frozenset(
    [
        "admin",
        "assets",
        "connect",
        "endpoints",
        "export-files",
        "favicon.ico",
        "language",
        "phones",
        "pictures",
        "sandbox",
        "wwlogin",
        "wwopen",
    ]
)
"""How the addresses begin that are the sandbox's own, beside `GET /`; `cgi-bin` is the platform's."""


def create_app(
    config: SandboxConfig, *, http: httpx.AsyncClient | None = None, progress: Progress | None = None
) -> FastAPI:
    """A seeded sandbox. `http` carries the callbacks (and stays the caller's to close).

    It works without its lifespan too, as under httpx's ASGI transport; the lifespan only stops
    what is still being pushed when the server ends. `app.state.sandbox` is its state.
    """
    state = SandboxState(config.model_copy(deep=True), progress=progress)
    state.pusher.given_http = http
    state.pusher.on_answer = partial(apply_reply, state)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await state.pusher.stop()
        for task in state.jobs.running:
            task.cancel()

    app = FastAPI(title=TITLE, lifespan=lifespan, openapi_url=OPENAPI, docs_url=None, redoc_url=None)
    app.state.sandbox = state
    gateway = Gateway(state)
    # Also what stands elsewhere: `//cgi-bin/gettoken` and `/v2/cgi-bin/gettoken` get an answer of the platform.
    for path in ("/{before:path}cgi-bin/{endpoint:path}", "/cgi-bin"):
        app.router.routes.append(Route(path, gateway))
    for module in (
        platform,
        robots,
        sign_in,
        people,
        organisation,
        groups,
        approvals,
        open_approvals,
        customers,
        schedules,
    ):
        app.include_router(module.router)
    for page in (phones, admin, activity, endpoints, language):
        app.include_router(page.router)
    app.mount("/assets", StaticFiles(directory=STATIC), name="assets")
    app.mount(DOCS_ASSETS, StaticFiles(directory=Path(offline.__file__).parent / "static"), name="docs-assets")
    app.include_router(sign_in.pages)
    add_error_handlers(app)
    for status in (404, 405):
        app.add_exception_handler(status, partial(_not_served, gateway))
    app.add_api_route("/export-files/{job_id}/{number}", _export_file, include_in_schema=False, response_model=None)
    app.add_api_route("/pictures/{media_id}", _picture, include_in_schema=False, response_model=None)
    app.add_api_route("/sandbox/docs", _docs, include_in_schema=False)
    app.add_api_route("/", _front, include_in_schema=False)
    return app


async def _not_served(gateway: Gateway, request: Request, error: Exception) -> Response:
    """A path that is neither the platform's nor the sandbox's own, or `/` by another method than GET: a client whose
    base address is wrong.

    It gets what the platform would answer, and stands in the log of calls.
    """
    if not is_own_path(request):
        return await gateway.answer_stray(request)
    if not isinstance(error, HTTPException):
        return JSONResponse({"detail": "Not Found"}, 404)
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)


def is_own_path(request: Request) -> bool:
    """Below one of the sandbox's own addresses, or asked for by a browser. No own address begins with `//`."""
    first = request.scope["path"].removeprefix("/").partition("/")[0]
    return first in OWN_PATHS or "text/html" in request.headers.get("accept", "")


async def _export_file(request: Request, job_id: str, number: int) -> Response:
    """Where `export/get_result` points to; whoever knows the address may fetch it for two hours."""
    state: SandboxState = request.app.state.sandbox
    content = export_file(state.jobs.known.get(job_id), number, state.now())
    if content is None:
        return Response("no such file, or its time is over", 404)
    return file_response(content, request.headers.get("range", ""), media_type="application/octet-stream")


async def _picture(request: Request, media_id: str) -> Response:
    """Where `media/uploadimg` points to."""
    state: SandboxState = request.app.state.sandbox
    media = state.media.get(media_id)
    if media is None or not media.is_permanent:
        return Response("no such picture", 404)
    kind = "image/png" if media.content.startswith(b"\x89PNG") else "image/jpeg"
    return Response(media.content, media_type=kind, headers={"x-content-type-options": "nosniff"})


async def _docs() -> HTMLResponse:
    """Not `FastAPIOffline`: it makes its routes anew for each application, and FastAPI remembers every one of them
    with all that hangs on it; a program with a sandbox per test would never let go of any.
    """
    return get_swagger_ui_html(
        openapi_url=OPENAPI,
        title=TITLE,
        swagger_js_url=f"{DOCS_ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{DOCS_ASSETS}/swagger-ui.css",
        swagger_favicon_url="/assets/icon.svg",
    )


async def _front() -> RedirectResponse:
    return RedirectResponse("/phones")
