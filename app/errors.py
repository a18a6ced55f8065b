"""Errors are facts, in a small tree.

DomainError
├── NotFound      the thing named does not exist (or not for this caller)
├── Gone          it was there, and its time has passed
├── Forbidden     it exists, but this person may not do that
├── Conflict      it was possible before, the state has moved on
├── Invalid       the request can be read, and says something that cannot be done
└── Unavailable   it would be possible, but something we need is away

Each domain subclasses one of the six with a `slug` and a `title` and raises it with the sentence a person
reads, and the same in English for whoever asks for that. The two stand side by side, so that who changes one sees the
other.
The domain does not know status codes: `app/web/problems.py` maps kinds to RFC 9457 documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class DomainError(Exception):
    """A refusal with a reason. `str(error)` is the sentence and `english` says the same; `facts` are extra members of
    the problem document, of which `english_facts` replace those that hold sentences.
    """

    slug: ClassVar[str] = "error"
    title: ClassVar[str] = "出错了"
    names_members: ClassVar[bool] = False
    """Its sentence speaks of members of a body: `facts["faults"]` says the same at the fields of a form."""

    def __init__(
        self, detail: str, english: str, *, english_facts: Mapping[str, Any] | None = None, **facts: Any
    ) -> None:
        super().__init__(detail)
        self.english = english
        self.facts = facts
        self.english_facts = facts | dict(english_facts or {})


class WrongState(Exception):
    """The code tried to move a row to a state that its present state does not lead to.

    A fault of the program, never an answer to a person: what a person may try in the wrong state is a `Conflict`.
    """


class NotFound(DomainError):
    slug = "not-found"
    title = "找不到"


class Gone(DomainError):
    slug = "gone"
    title = "已过保留期"


class Forbidden(DomainError):
    slug = "forbidden"
    title = "没有权限"


class Conflict(DomainError):
    slug = "conflict"
    title = "状态已变"


class Invalid(DomainError):
    slug = "invalid"
    title = "不能这样做"


class Unavailable(DomainError):
    slug = "unavailable"
    title = "暂时不可用"
