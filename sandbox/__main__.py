"""`python -m sandbox`: seed a company and serve it."""

import json
import logging
import socket
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from pydantic import ValidationError

from listening.address import base_url, split_address
from listening.configuration import configure
from sandbox.app import create_app
from sandbox.config import SandboxConfig

PROGRESS_FROM = 20_000
"""Smaller companies are seeded before anybody wonders."""
LARGEST_CONFIG = 256 * 1024
"""A device or a dump that was named by mistake is not read to its end."""

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def _split(listen: str) -> tuple[str, int]:
    try:
        return split_address(listen)
    except ValueError as error:
        raise typer.BadParameter(f"{error}; port 0 takes any free one") from error


def _bind(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise typer.BadParameter(f"cannot listen on {host} port {port}: {error.strerror}") from error
    return bound


def _show_progress(made: int, wanted: int) -> None:
    if wanted >= PROGRESS_FROM:
        sys.stderr.write(f"\rseeding: {made:,} of {wanted:,} people" + ("\n" if made == wanted else ""))
        sys.stderr.flush()


def environment(config: SandboxConfig, base_url: str) -> dict[str, str]:
    """What a service needs in its environment to speak with this sandbox."""
    return {
        "STEWARD_WECOM_API_BASE": f"{base_url}/cgi-bin",
        "STEWARD_WECOM_AUTHORIZE_URL": f"{base_url}/connect/oauth2/authorize",
        "STEWARD_WECOM_LOGIN_URL": f"{base_url}/wwlogin/sso/login",
        "STEWARD_WECOM_CORP_ID": config.corp_id,
        "STEWARD_WECOM_AGENT_ID": str(config.agent_id),
        "STEWARD_WECOM_APP_SECRET": config.app_secret,
        "STEWARD_WECOM_APP_TOKEN": config.app_token,
        "STEWARD_WECOM_APP_AES_KEY": config.app_aes_key,
        "STEWARD_WECOM_CONTACTS_SECRET": config.contacts_secret,
        "STEWARD_WECOM_CONTACTS_TOKEN": config.contacts_token,
        "STEWARD_WECOM_CONTACTS_AES_KEY": config.contacts_aes_key,
    }


def _announce(config: SandboxConfig, base_url: str) -> None:
    lines = [
        f"# sandbox listening on {base_url}",
        f"#   phones     {base_url}/phones",
        f"#   console    {base_url}/admin",
        f"#   scripting  {base_url}/sandbox/docs",
        f"#   callbacks  app → {config.app_callback_url or 'not set'}",
        f"#              contacts → {config.contacts_callback_url or 'not set'}",
        "# environment of a service that uses it:",
        *(f"{name}={value}" for name, value in environment(config, base_url).items()),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_CONFIG + 1)
        if len(content) > LARGEST_CONFIG:
            raise typer.BadParameter(f"{file}: larger than {LARGEST_CONFIG:,} bytes, so no file of settings")
        given = json.loads(content.decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{file}: {error}") from error
    except RecursionError:
        raise typer.BadParameter(f"{file}: nested too deep") from None
    if not isinstance(given, dict):
        raise typer.BadParameter(f'{file}: not an object of JSON, such as {{"people": 60}}')
    return given


@cli.command()
def serve(
    listen: Annotated[str, typer.Option(help="HOST:PORT; port 0 takes any free one")] = "127.0.0.1:8901",
    people: Annotated[
        int | None, typer.Option(min=10, max=200_000, help="how many people to seed, 10 to 200,000")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=-(2**63), max=2**63 - 1, help="the same seed gives the same company")
    ] = None,
    app_callback: Annotated[str | None, typer.Option(help="where the app's callbacks go")] = None,
    contacts_callback: Annotated[str | None, typer.Option(help="where the contacts' callbacks go")] = None,
    like: Annotated[
        str | None, typer.Option(help="answer as the documentation says, or as callers observe: documentation|observed")
    ] = None,
    limits: Annotated[bool | None, typer.Option(help="keep to the documented rate limits")] = None,
    config: Annotated[Path | None, typer.Option(help="a JSON file with any field of SandboxConfig")] = None,
) -> None:
    """A stand-in for Enterprise WeChat: its API, its callbacks, and everybody's phone."""
    given = _read(config) if config else {}
    options = {
        "people": people,
        "seed": seed,
        "app_callback_url": app_callback,
        "contacts_callback_url": contacts_callback,
        "like": like,
        "limits": limits,
    }
    given |= {name: value for name, value in options.items() if value is not None}
    try:
        settings = SandboxConfig.model_validate(given)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise typer.BadParameter(problems) from error
    host, port = _split(listen)
    bound = _bind(host, port)
    app = create_app(settings, progress=_show_progress)
    _announce(settings, base_url(host, bound.getsockname()[1]))
    logging.getLogger("httpx").setLevel(logging.WARNING)
    server = uvicorn.Server(configure(app, log_level="warning", lifespan="on"))
    server.run(sockets=[bound])


if __name__ == "__main__":
    cli()
