"""`python -m bench` (`make bench`): prints the table.

A missed bar is reported and is no error; a measurement that failed is one.
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bench import announcement, contacts, intake, latency, pages, receipts, sync
from bench.report import Line, as_json, print_table
from bench.stage import Failed, Stage

Measure = Callable[[Stage], Awaitable[list[Line]]]

ROWS: dict[str, Measure] = {
    "intake": intake.measure,
    "latency": latency.measure,
    "receipts": receipts.measure,
    "contacts": contacts.measure,
    "sync": sync.measure,
    "announcement": announcement.measure,
    "pages": pages.measure,
}

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def main(
    only: Annotated[list[str] | None, typer.Option(help=f"rows to measure: {', '.join(ROWS)}; may be repeated")] = None,
    scale: Annotated[
        float, typer.Option(min=0.0001, max=2, help="share of the full size: 0.1 takes about a minute")
    ] = 1,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="at most so many rounds: for a look, not for a figure")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="print JSON, for programs")] = False,
    data_dir: Annotated[Path, typer.Option(help="where the bench's own PostgreSQL lives")] = Path("var/bench"),
) -> None:
    """Measure the service against what it cannot be faster than, and against the usual way."""
    console = Console(stderr=True)
    wanted = only or list(ROWS)
    if unknown := [name for name in wanted if name not in ROWS]:
        raise typer.BadParameter(f"no such row: {', '.join(unknown)}; there are {', '.join(ROWS)}")
    began = time.perf_counter()

    def say(text: str) -> None:
        console.print(f"[dim]{time.perf_counter() - began:6.1f} s[/]  {text}", highlight=False)

    machine, lines, failures = asyncio.run(_measure(wanted, Stage(data_dir, scale=scale, most_rounds=rounds, say=say)))
    if json:
        sys.stdout.write(as_json(machine, lines, failures) + "\n")
    else:
        out = Console()
        out.print("  ".join(f"{name}: {value}" for name, value in machine.items()), highlight=False)
        print_table(out, lines)
    for name, why in failures.items():
        console.print(f"[red]{name} was not measured:[/] {why}", highlight=False)
    if failures:
        raise typer.Exit(1)


async def _measure(wanted: list[str], settings: Stage) -> tuple[dict[str, Any], list[Line], dict[str, str]]:
    lines: list[Line] = []
    failures: dict[str, str] = {}
    machine = _machine(settings.scale)
    for name in wanted:
        settings.say(f"{name}: starting")
        try:
            # A stage of its own for each row: what one row leaves running would slow the next.
            async with replace(settings) as stage:
                machine["PostgreSQL"] = await stage.server_version()
                lines += await ROWS[name](stage)
        except Failed as error:
            failures[name] = str(error)
    machine["load average after"] = _load()
    return machine, lines, failures


def _machine(scale: float) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="minutes"),
        "scale": scale,
        "CPUs": os.cpu_count(),
        "Python": platform.python_version(),
        "load average before": _load(),
    }


def _load() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


if __name__ == "__main__":
    cli()
