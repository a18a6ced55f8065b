"""Which menu the app has. Pure."""

from __future__ import annotations

from typing import Final

from app import addresses
from app.menu import messages
from app.wecom.message_bodies.menu import Menu, MenuEntry

SAY: Final = "say:"
"""Before the key of an entry: pressing it is like writing to the app what follows (`app.conversation`)."""


def menu_at(public_url: str) -> Menu:
    """The menu that leads to our pages at this address."""

    def page(name: str, path: str) -> MenuEntry:
        return MenuEntry.opening(name, addresses.absolute(public_url, path))

    return Menu(
        (
            page(messages.TODAY, addresses.ME),
            MenuEntry.holding(
                messages.APPLY,
                page(messages.JOIN, addresses.me_apply("join")),
                page(messages.EXIT, addresses.me_apply("exit")),
                page(messages.CREATE, addresses.me_apply("create_group")),
            ),
            MenuEntry.holding(
                messages.MINE,
                page(messages.MY_REQUESTS, addresses.ME_REQUESTS),
                page(messages.MY_TASKS, addresses.ME_TASKS),
                page(messages.MY_GROUPS, addresses.ME_GROUPS),
                MenuEntry.telling(messages.HELP, f"{SAY}{messages.HELP}"),
            ),
        )
    )
