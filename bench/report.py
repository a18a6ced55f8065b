"""Lines of the table, and what they look like for people and for programs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Bar:
    """What a line must reach."""

    value: float
    is_floor: bool
    """True: at least this; False: at most."""
    unit: str = "×"

    def met_by(self, value: float) -> bool:
        return value >= self.value if self.is_floor else value <= self.value

    def missed_by(self, value: float) -> float:
        """The share of the bar that is missing; 0 when it is met."""
        return 0.0 if self.met_by(value) else abs(value - self.value) / (self.value or 1)

    def __str__(self) -> str:
        return f"{'≥' if self.is_floor else '≤'} {self.value:g} {self.unit}"


def at_least(value: float, unit: str = "×") -> Bar:
    return Bar(value, is_floor=True, unit=unit)


def at_most(value: float, unit: str = "×") -> Bar:
    return Bar(value, is_floor=False, unit=unit)


@dataclass(frozen=True)
class Line:
    """One row of the table."""

    what: str
    against: str
    value: float
    """The ratio, or the figure itself where the bar has a unit."""
    bar: Bar
    figures: dict[str, str] = field(default_factory=dict)
    """The absolute figures behind it, by name."""
    rounds: tuple[float, ...] = ()
    """The ratio of each round, in the order in which they ran: how steady the machine was."""

    @property
    def verdict(self) -> str:
        if self.bar.met_by(self.value):
            return "met"
        return f"missed by {self.bar.missed_by(self.value):.0%}"

    def as_document(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "against": self.against,
            "value": round(self.value, 3),
            "unit": self.bar.unit,
            "bar": str(self.bar),
            "met": self.bar.met_by(self.value),
            "verdict": self.verdict,
            "figures": self.figures,
            "rounds": [round(value, 3) for value in self.rounds],
        }


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, tuple[float, ...]]:
    """Median over median, and the ratio of each round. The two were measured in turns."""
    value = statistics.median(ours) / statistics.median(theirs)
    return value, tuple(one / other for one, other in zip(ours, theirs, strict=False))


def per_second(values: Sequence[float]) -> str:
    return f"{statistics.median(values):,.0f}/s"


def seconds(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} s"


def print_table(console: Console, lines: Sequence[Line]) -> None:
    table = Table(show_lines=True)
    for name in ("what", "against", "measured", "must be", "", "figures"):
        table.add_column(name, overflow="fold")
    for line in lines:
        figures = "\n".join(f"{name}: {value}" for name, value in line.figures.items())
        if len(line.rounds) > 1:
            figures += "\nrounds: " + " ".join(f"{value:.2f}" for value in line.rounds)
        style = "green" if line.bar.met_by(line.value) else "red"
        measured = f"{line.value:,.2f} {line.bar.unit}"
        table.add_row(line.what, line.against, measured, str(line.bar), f"[{style}]{line.verdict}[/]", figures)
    console.print(table)


def as_json(machine: dict[str, Any], lines: Sequence[Line], failures: dict[str, str]) -> str:
    document = {"machine": machine, "lines": [line.as_document() for line in lines], "failures": failures}
    return json.dumps(document, ensure_ascii=False, indent=2)
