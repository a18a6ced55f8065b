"""The forms of a page as a browser finds them: read from what was drawn, and never from a template."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

TYPED = frozenset({"text", "search", "number", "email", "tel", "url", "password", "date", "datetime-local", "time"})
"""Fields of one line: in each of them Enter sends the form."""


@dataclass
class DrawnForm:
    """One form, with what a browser would send of it by itself."""

    method: str
    action: str
    hidden: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    """The fields that are typed into and have one line."""
    buttons: list[tuple[str, str]] = field(default_factory=list)
    """Name and value of each button that sends it, in their order."""

    @property
    def address(self) -> str:
        return self.action.partition("?")[0]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[DrawnForm] = []
        self._open: DrawnForm | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = DrawnForm(given.get("method", "get"), given.get("action", ""))
            self.forms.append(self._open)
        elif self._open is None:
            return
        elif tag == "button" and given.get("type", "submit") == "submit":
            self._open.buttons.append((given.get("name", ""), given.get("value", "")))
        elif tag == "input" and given.get("type") == "hidden":
            self._open.hidden[given["name"]] = given.get("value", "")
        elif tag == "input" and given.get("type", "text") in TYPED:
            self._open.lines.append(given.get("name", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def forms_in(html: str) -> list[DrawnForm]:
    """In the order in which they stand."""
    reader = _Reader()
    reader.feed(html)
    return reader.forms


def posted_in(html: str) -> list[DrawnForm]:
    return [one for one in forms_in(html) if one.method == "post"]
