"""What is on people's phones: messages, cards with each person's face of them, and groups."""

import math
from dataclasses import dataclass, field
from typing import Any

INTERACTIVE = ("button_interaction", "vote_interaction", "multiple_interaction")

RESPONSE_CODE_SECONDS = 72 * 3600


def is_interactive(card: dict[str, Any]) -> bool:
    """Only these raise clicks, carry response codes and can be updated (doc path/90236)."""
    return card["card_type"] in INTERACTIVE or bool(card.get("action_menu"))


@dataclass(slots=True)
class Face:
    """A card as one person sees it once it differs from what was sent."""

    card: dict[str, Any]
    greyed: str | None = None
    """The text of a button that can no longer be pressed."""
    selections: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Card:
    """One sent template card, for all who received it."""

    agent_id: int
    task_id: str
    original: dict[str, Any]
    recipients: set[int] = field(default_factory=set)
    faces: dict[int, Face] = field(default_factory=dict)

    def face(self, serial: int) -> Face:
        return self.faces.get(serial) or Face(self.original)

    def own_face(self, serial: int) -> Face:
        """The person's face, to be changed: a copy of the original the first time."""
        return self.faces.setdefault(serial, Face(self.original))


@dataclass(slots=True)
class ResponseCode:
    card: Card
    expires_at: float
    used: bool = False


@dataclass(slots=True)
class Message:
    """One message. `sender` is an app's id, or the serial of the person who wrote it."""

    id: int
    at: float
    agent_id: int
    msgtype: str
    body: dict[str, Any]
    sender: int | None = None
    msgid: str = ""
    card: Card | None = None
    safe: int = 0
    recalled: bool = False
    mentioned: list[str] = field(default_factory=list)
    missed_by: set[int] = field(default_factory=set)
    """Members of the group who were over their limit; they never see it."""
    notice: str = ""
    """A grey line such as 「你已退出群聊」; the body is then empty."""
    robot: str = ""
    """The name of the robot that posted it into a group."""


@dataclass(slots=True)
class Group:
    """An internal group. `agent_id` is None when people made it in the client."""

    chatid: str
    name: str
    owner: int
    members: dict[int, None]
    created_at: float
    agent_id: int | None = None
    messages: list[Message] = field(default_factory=list)
    dismissed: bool = False


@dataclass(slots=True)
class Media:
    media_id: str
    kind: str
    filename: str
    content_type: str
    content: bytes
    expires_at: float

    @property
    def is_permanent(self) -> bool:
        return self.expires_at == math.inf
