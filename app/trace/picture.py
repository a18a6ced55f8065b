"""A trace as one picture: what followed from what, as a tree (F118).

What an entry names as its cause is a row of ours: the entry of that row, or else the latest that was recorded about it
until then. What was recorded about an object after a verdict on it followed from the verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.trace.entry import Ref, TraceEntry, TraceKind

DEEPEST: Final = 5
"""Levels of the picture, as many as a phone has room for: what follows below stands beside what it followed from."""

MOST_ALIKE: Final = 3
"""More of one sentence beside each other are folded to their number."""


@dataclass(eq=False)
class Node:
    """One entry in its place."""

    entry: TraceEntry
    above: Node | None
    followed: list[Node] = field(default_factory=list)

    @property
    def depth(self) -> int:
        return self.above.depth + 1 if self.above else 1

    @property
    def branches(self) -> list[Branch]:
        return _branches(self.followed)


@dataclass(frozen=True)
class Branch:
    """Places beside each other that say the same."""

    nodes: Sequence[Node]

    @property
    def is_folded(self) -> bool:
        return len(self.nodes) > MOST_ALIKE


def picture_of(entries: Iterable[TraceEntry]) -> list[Branch]:
    """The beginnings, each with what followed. `entries` are in the order in which they happened."""
    beginnings: list[Node] = []
    known = _Known()
    for entry in entries:
        node = Node(entry, known.place_of(entry))
        (node.above.followed if node.above else beginnings).append(node)
        known.add(node)
    return _branches(beginnings)


def _branches(nodes: Iterable[Node]) -> list[Branch]:
    """In the order of the first of each."""
    alike: dict[tuple[TraceKind, str], list[Node]] = {}
    for node in nodes:
        alike.setdefault((node.entry.kind, node.entry.chinese), []).append(node)
    return [Branch(group) for group in alike.values()]


@dataclass
class _Known:
    """Where things stand so far. What comes later is the cause of nothing, so that the picture has no circle."""

    own: dict[Ref, Node] = field(default_factory=dict)
    about: dict[Ref, Node] = field(default_factory=dict)
    verdicts: dict[Ref, Node] = field(default_factory=dict)

    def place_of(self, entry: TraceEntry) -> Node | None:
        above = next(self._causes_of(entry), None)
        while above is not None and above.depth >= DEEPEST:
            above = above.above
        return above

    def _causes_of(self, entry: TraceEntry) -> Iterator[Node]:
        if entry.kind is TraceKind.RECORDED and entry.about in self.verdicts:
            yield self.verdicts[entry.about]
        if entry.caused_by is None:
            return
        for found in (self.own, self.about):
            if entry.caused_by in found:
                yield found[entry.caused_by]

    def add(self, node: Node) -> None:
        entry = node.entry
        self.own[entry.ref] = node
        if entry.about is None:
            return
        if entry.kind is TraceKind.DECIDED:
            self.verdicts[entry.about] = node
        if entry.kind in {TraceKind.DECIDED, TraceKind.RECORDED}:
            self.about[entry.about] = node
