"""The menu of the app as a value: what `menu/create` is given and `menu/get` tells. Pure.

The platform refuses a menu that breaks its limits (messaging §10.2), so that is our mistake and raised here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.quotes import quoted
from app.wecom.fields import items

_TOP_ENTRIES = 3
_SUB_ENTRIES = 5
_TOP_NAME_BYTES = 16
_SUB_NAME_BYTES = 40
_TARGETS = {"view": ("url", 1_024), "click": ("key", 128)}
"""What stands behind an entry of this type, and its bytes at most."""


@dataclass(frozen=True)
class MenuEntry:
    name: str
    kind: str = ""
    """`view` opens an address, `click` tells us its key. Empty for an entry that only opens others."""
    target: str = ""
    entries: tuple[MenuEntry, ...] = ()

    @classmethod
    def opening(cls, name: str, url: str) -> MenuEntry:
        return cls(name, "view", url)

    @classmethod
    def telling(cls, name: str, key: str) -> MenuEntry:
        return cls(name, "click", key)

    @classmethod
    def holding(cls, name: str, *entries: MenuEntry) -> MenuEntry:
        return cls(name, entries=entries)

    def to_dict(self) -> dict[str, Any]:
        if self.entries:
            return {"name": self.name, "sub_button": [entry.to_dict() for entry in self.entries]}
        return {"type": self.kind, "name": self.name, _TARGETS[self.kind][0]: self.target}


@dataclass(frozen=True)
class Menu:
    entries: tuple[MenuEntry, ...] = ()

    @property
    def names(self) -> str:
        """What stands at the bottom of a phone."""
        return "、".join(quoted(top.name) for top in self.entries)

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Each entry that does something: where it stands, and the address it opens or the key it tells."""
        return [
            (f"{top.name} / {entry.name}" if top.entries else entry.name, entry.target)
            for top in self.entries
            for entry in top.entries or (top,)
        ]

    def to_body(self) -> dict[str, Any]:
        """The body of `menu/create`. Raises ValueError for a menu that the platform would refuse."""
        if faults := list(_faults(self)):
            raise ValueError("; ".join(faults))
        return {"button": [entry.to_dict() for entry in self.entries]}


def read_menu(answer: Mapping[str, Any]) -> Menu:
    """What `menu/get` tells. Types of entries that we never set are kept by their name."""
    return Menu(tuple(_entry(raw) for raw in items(answer.get("button")) if isinstance(raw, dict)))


def _entry(raw: Mapping[str, Any]) -> MenuEntry:
    inside = tuple(_entry(child) for child in items(raw.get("sub_button")) if isinstance(child, dict))
    name = str(raw.get("name") or "")
    if inside:
        return MenuEntry.holding(name, *inside)
    kind = str(raw.get("type") or "")
    field, _ = _TARGETS.get(kind, ("key", 0))
    return MenuEntry(name, kind, str(raw.get(field) or ""))


def _faults(menu: Menu) -> Iterator[str]:
    if not 1 <= len(menu.entries) <= _TOP_ENTRIES:
        yield f"a menu has 1 to {_TOP_ENTRIES} entries"
    for top in menu.entries:
        yield from _name_faults(top, most=_TOP_NAME_BYTES)
        if len(top.entries) > _SUB_ENTRIES:
            yield f"{top.name}: at most {_SUB_ENTRIES} entries below one"
        for entry in top.entries or (top,):
            yield from _target_faults(entry)
        for entry in top.entries:
            yield from _name_faults(entry, most=_SUB_NAME_BYTES)


def _name_faults(entry: MenuEntry, *, most: int) -> Iterator[str]:
    if not 1 <= len(entry.name.encode()) <= most:
        yield f"{entry.name!r}: a name of 1 to {most} bytes"


def _target_faults(entry: MenuEntry) -> Iterator[str]:
    if entry.kind not in _TARGETS or entry.entries:
        yield f"{entry.name}: opens an address or tells a key"
        return
    field, most = _TARGETS[entry.kind]
    if not 1 <= len(entry.target.encode()) <= most:
        yield f"{entry.name}: a {field} of 1 to {most} bytes"
