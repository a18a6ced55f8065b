"""deploy/nginx, deploy/caddy, deploy/systemd: the real programs take them, and pass on what the platform sends."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.architecture.source import ROOT
from tests.fakes.certificates import Authority
from tests.platform import free_port, served
from tests.tools import tool

QUERY = "msg_signature=a&timestamp=1&nonce=n&echostr=a+b%2Bc/d=="
MEBIBYTE = 1024 * 1024


class Upstream:
    """Remembers what arrives, as it arrives."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, bytes, int]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message.get("body", b"")), message.get("more_body", False)
        self.seen.append((scope["path"], scope["query_string"], size))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"here"})


@contextmanager
def running(*command: str) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def nginx(folder: Path, port: int, upstream: int) -> Iterator[tuple[str, Any]]:
    authority = Authority(folder)
    certificate, key = authority.certificate("server", hosts=("127.0.0.1",))
    site = (ROOT / "deploy" / "nginx" / "steward.conf").read_text(encoding="utf-8")
    for before, after in (
        ("listen [::]:443 ssl;", ""),
        ("443", f"127.0.0.1:{port}"),
        ("127.0.0.1:8080", f"127.0.0.1:{upstream}"),
        ("/etc/nginx/steward.crt", str(certificate)),
        ("/etc/nginx/steward.key", str(key)),
    ):
        assert before in site
        site = site.replace(before, after)
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"{_as_ourselves()} daemon off; error_log {folder}/error.log; pid {folder}/pid; events {{}}\n"
        f"http {{ access_log off; {temporary}\n{site}\n}}\n",
        encoding="utf-8",
    )
    folder.chmod(0o755)
    command = [tool("nginx"), "-p", str(folder), "-e", f"{folder}/error.log", "-c", str(configuration)]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    with running(*command):
        yield f"https://127.0.0.1:{port}", ssl.create_default_context(cafile=authority.root)


def _as_ourselves() -> str:
    """Root's workers become somebody else, who may not enter the folders of tests."""
    return "user root;" if os.geteuid() == 0 else ""


@contextmanager
def caddy(folder: Path, port: int, upstream: int) -> Iterator[tuple[str, Any]]:
    site = (ROOT / "deploy" / "caddy" / "Caddyfile").read_text(encoding="utf-8")
    for before, after in (
        ("steward.example.com {", f"http://127.0.0.1:{port} {{"),
        ("127.0.0.1:8080", f"127.0.0.1:{upstream}"),
    ):
        assert before in site
        site = site.replace(before, after)
    file = folder / "Caddyfile"
    file.write_text(f"{{\n\tadmin off\n\tstorage file_system {folder}\n}}\n{site}", encoding="utf-8")
    options = ["--config", str(file), "--adapter", "caddyfile"]
    checked = subprocess.run([tool("caddy"), "validate", *options], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    with running(tool("caddy"), "run", *options):
        yield f"http://127.0.0.1:{port}", True


@asynccontextmanager
async def through(proxy: Any, folder: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Upstream]]:
    upstream, port, behind = Upstream(), free_port(), free_port()
    async with served(upstream, behind):
        with proxy(folder, port, behind) as (url, verify):
            async with httpx.AsyncClient(base_url=url, verify=verify, timeout=60, trust_env=False) as client:
                await answering(client)
                upstream.seen.clear()
                yield client, upstream


async def answering(client: httpx.AsyncClient) -> None:
    for _ in range(200):
        try:
            await client.get("/callbacks/app")
        except httpx.TransportError:
            await asyncio.sleep(0.05)
        else:
            return
    raise AssertionError("the proxy does not answer")


PAGES = ("/me", "/console/groups", "/sign-in/back", "/assets/0/style.css", "/WW_verify_AbC123.txt")


@pytest.mark.parametrize("proxy", [nginx, caddy])
class TestProxies:
    async def test_a_callback_arrives_as_it_was_sent(self, proxy: Any, tmp_path: Path) -> None:
        async with through(proxy, tmp_path) as (client, upstream):
            address = httpx.URL("/callbacks/app").copy_with(query=QUERY.encode())
            assert (await client.get(address)).text == "here"
            assert (await client.post(address, content=b"x" * MEBIBYTE)).text == "here"
        assert upstream.seen == [
            ("/callbacks/app", QUERY.encode(), 0),
            ("/callbacks/app", QUERY.encode(), MEBIBYTE),
        ], "a plus stays a plus"

    async def test_nothing_else_is_shown(self, proxy: Any, tmp_path: Path) -> None:
        async with through(proxy, tmp_path) as (client, upstream):
            first = await client.get("/")
            assert (first.status_code, httpx.URL(first.headers["location"]).path) == (303, "/me")
            for path in ("/metrics", "/readyz", "/docs", "/openapi.json", "/meme", "/api/v1/departments"):
                assert (await client.get(path)).status_code == 404
            assert upstream.seen == []
            for path in PAGES:
                assert (await client.get(path)).status_code == 200, path

    async def test_a_body_that_is_no_callback_is_cut_off(self, proxy: Any, tmp_path: Path) -> None:
        async with through(proxy, tmp_path) as (client, upstream):
            answer = await client.post("/callbacks/app", content=b"x" * (3 * MEBIBYTE))
            assert answer.status_code >= 400
        assert [size for _, _, size in upstream.seen if size > 2_000_000] == []


class TestSystemd:
    UNIT = ROOT / "deploy" / "systemd" / "steward.service"

    def test_systemd_takes_it(self, tmp_path: Path) -> None:
        program = tool("systemd-analyze")
        unit = self.UNIT.read_text(encoding="utf-8")
        runs = shutil.which("true")
        assert runs
        (tmp_path / "steward.service").write_text(
            unit.replace("/opt/steward/bin/steward", runs).replace("User=steward", "User=root"), encoding="utf-8"
        )
        done = subprocess.run(
            [program, "verify", "--man=no", str(tmp_path / "steward.service")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, "steward.service" in done.stderr) == (0, False), done.stderr

    def test_it_leaves_a_wrong_setting_to_the_operator(self) -> None:
        unit = self.UNIT.read_text(encoding="utf-8")
        assert "RestartPreventExitStatus=2 3" in unit
        assert "UMask=0077" in unit
