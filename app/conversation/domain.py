"""The manifest of the conversation."""

from __future__ import annotations

from app.conversation.answers import HELP, TODO
from app.manifest import Domain

DOMAIN = Domain(
    name="conversation",
    answers={"todo": TODO, "help": HELP},
)
