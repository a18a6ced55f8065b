"""What is refused about acts that need two people."""

from __future__ import annotations

from app.errors import Conflict, Forbidden, Invalid, NotFound


class NoSuchConfirmation(NotFound):
    slug = "no-such-confirmation"
    title = "没有这项待确认的操作"


class UnknownAct(Invalid):
    slug = "unknown-two-person-act"
    title = "没有这种需要两人的操作"


class UnreadableAct(Invalid):
    names_members = True
    slug = "unreadable-two-person-act"
    title = "操作的内容不完整或不正确"


class NobodyToConfirm(Conflict):
    slug = "nobody-to-confirm"
    title = "没有第二个人可以确认"


class OwnConfirmation(Forbidden):
    slug = "own-confirmation"
    title = "不能确认自己提出的操作"


class SameHand(Forbidden):
    slug = "same-hand"
    title = "不能由同一个接口密钥提出并确认"


class NotTheirsToConfirm(Forbidden):
    slug = "not-theirs-to-confirm"
    title = "没有确认这项操作的权限"


class NotTheAsker(Forbidden):
    slug = "not-the-asker"
    title = "只有提出人可以撤回"


class AlreadyAnswered(Conflict):
    slug = "already-answered"
    title = "这项操作已有结果"


class SomethingElse(Conflict):
    slug = "something-else-was-asked"
    title = "内容与提出时不符"
