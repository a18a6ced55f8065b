"""What a message says (`messages.content`), as one of three documents. Pure."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter

from app.wecom.message_bodies.card import Card

ON = 1


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True)

    def dump(self) -> dict[str, Any]:
        """Only what was set."""
        return self.model_dump(mode="json", exclude_unset=True)


class CardContent(_Content):
    """A card as we mean it; each call gives it a task_id."""

    card: Card


class TextContent(_Content):
    """A text to people."""

    text: str
    safe: int = 0
    """`ON`: it cannot be forwarded and shows a watermark."""


class GroupTextContent(_Content):
    """A text in a group."""

    text: str
    mentioned: list[str] = Field(default_factory=list)


def _kind(value: Any) -> str:
    """Stored documents name no kind: what they hold tells it."""
    if "card" in value:
        return "card"
    return "group" if "mentioned" in value else "text"


MessageContent = CardContent | GroupTextContent | TextContent

_READ: TypeAdapter[MessageContent] = TypeAdapter(
    Annotated[
        Annotated[CardContent, Tag("card")]
        | Annotated[GroupTextContent, Tag("group")]
        | Annotated[TextContent, Tag("text")],
        Discriminator(_kind),
    ]
)


def read_content(document: dict[str, Any]) -> MessageContent:
    """The content of a stored message."""
    return _READ.validate_python(document)
