"""消息推送, formerly 群机器人: an address into one group, added and removed by its members (doc path/91770)."""

from dataclasses import dataclass, field
from uuid import uuid4

from sandbox.conversations import Media


@dataclass
class Robot:
    """Whoever knows the key can post."""

    key: str
    chatid: str
    name: str
    disabled: bool = False
    media: dict[str, Media] = field(default_factory=dict)
    """Its own uploads, of no use to other robots."""


def new_robot(chatid: str, name: str) -> Robot:
    return Robot(str(uuid4()), chatid, name)
