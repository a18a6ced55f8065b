"""What a domain can be asked: its manifest names topics (`Domain.answers`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.conversation.rules import Numbered
from models.org import Person


@dataclass(frozen=True)
class Asked:
    """What somebody has written. Answers show only what this person may see."""

    person: Person
    text: str
    """Without blanks around it, full-width letters made narrow."""
    now: datetime
    numbered: Numbered | None = None
    """Where the text is the number of something."""

    def number_of(self, *nouns: str) -> int | None:
        """The number, where it may be that of such a thing: 12, #12, 申请 #12."""
        if self.numbered is None or (self.numbered.noun and self.numbered.noun not in nouns):
            return None
        return self.numbered.number


@dataclass(frozen=True)
class Topic:
    words: Sequence[str]
    """Each of them asks for it. The first stands in the help; small letters."""
    help: str
    """What it tells, behind that word. Empty: the help does not mention it."""
    nouns: Sequence[str] = ()
    """What its things are called before a number: 申请."""
    says: Callable[[AsyncSession, Asked], Awaitable[str]] | None = None
    """The answer to a word."""
    finds: Callable[[AsyncSession, Asked], Awaitable[Sequence[str]]] | None = None
    """What the text names, where it is no word of anybody: a text on each thing that the person may see."""
