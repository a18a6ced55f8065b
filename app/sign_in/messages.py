"""What somebody reads who is not let in: what has happened, and what to do."""

from __future__ import annotations

from typing import Final, NamedTuple

from app.access.service import Turned
from app.permissions import Words


class Refusal(NamedTuple):
    """A page of its own."""

    title: Words
    sentence: Words
    may_try_again: bool = False


TURNED: Final[dict[Turned, Refusal]] = {
    Turned.NO_MEMBER: Refusal(
        Words("仅限企业成员使用", "For members of the company only"),
        Words(
            "您当前的微信身份不是本企业的成员。如果您是员工，请在企业微信客户端中打开本页面；已经离职的，"
            "请联系人力资源部。",
            "You are not here as a member of this company. If you work here, open this page inside WeCom; if you have "
            "left, ask HR.",
        ),
    ),
    Turned.OTHER_CORP: Refusal(
        Words("您属于关联企业", "You belong to a linked company"),
        Words(
            "本页面只供本企业的成员使用。请联系邀请您的同事代为办理。",
            "This page is for members of this company. Ask the colleague who invited you to act for you.",
        ),
    ),
    Turned.UNKNOWN: Refusal(
        Words("还没有您的资料", "We do not know you yet"),
        Words(
            "通讯录中还没有读到您的账号。如果您刚刚入职，请稍后再试；若一天后仍是这样，请让信息部门把您加入应用的可见范围。",
            "Your account has not been read from the contact book yet. If you have just joined, try again later; after "
            "a day ask IT to put you into the visible range of the app.",
        ),
        may_try_again=True,
    ),
    Turned.OUT_OF_SIGHT: Refusal(
        Words("您不在应用的可见范围内", "You are outside of the app's visible range"),
        Words(
            "请让信息部门在企业微信管理后台把您所在的部门加入本应用的可见范围。",
            "Ask IT to put your department into the visible range of this app in WeCom's admin console.",
        ),
    ),
    Turned.NOT_ACTIVATED: Refusal(
        Words("账号还没有激活", "The account is not activated"),
        Words(
            "请先在企业微信中激活您的账号。已经激活的，请在下一次通讯录同步之后再试。",
            "Activate your account in WeCom first. If you have, try again after the next sync of the contact book.",
        ),
        may_try_again=True,
    ),
    Turned.DISABLED: Refusal(
        Words("账号已停用", "The account is disabled"),
        Words(
            "您的企业微信账号已停用。如有疑问，请联系人力资源部。", "Your WeCom account is disabled. Ask HR about it."
        ),
    ),
    Turned.LEFT: Refusal(
        Words("账号已注销", "The account has ended"),
        Words(
            "这个账号的人已经离职。如有疑问，请联系人力资源部。", "Whoever had this account has left. Ask HR about it."
        ),
    ),
}

STALE = Refusal(
    Words("登录没有完成", "Signing in was not completed"),
    Words(
        "这次登录已经用过、已过期，或不是在这个浏览器里开始的。请重新登录一次；如果仍然这样，请允许本网站使用 Cookie，"
        "或在企业微信的工作台里重新打开应用。",
        "This attempt was used, is too old, or began in another browser. Sign in once more; if that does not help, "
        "allow cookies for this site, or open the app again from WeCom's workbench.",
    ),
    may_try_again=True,
)

DECLINED = Refusal(
    Words("您没有同意登录", "You did not agree to sign in"),
    Words("没有登录就打不开页面。需要时请重新登录。", "Pages need you to be signed in. Sign in again if you want to."),
    may_try_again=True,
)

NO_COOKIE = Refusal(
    Words("浏览器没有保存登录", "The browser did not keep the sign-in"),
    Words(
        "您已通过企业微信确认身份，但浏览器没有保存登录信息。请关闭无痕模式，允许本网站使用 Cookie，或换一个浏览器。",
        "WeCom has confirmed who you are, and the browser did not keep it. Leave private mode, allow cookies for this "
        "site, or use another browser.",
    ),
    may_try_again=True,
)

CODE_REFUSED = Refusal(
    Words("企业微信没有确认您的身份", "WeCom did not confirm who you are"),
    Words(
        "登录凭证已用过或已过期。请重新登录一次。如果仍然这样，您的账号可能已不在企业通讯录中，"
        "请联系人力资源部或信息部门。",
        "The code was used or is too old. Sign in once more. If that does not help, your account may have been taken "
        "out of the contact book: ask HR or IT.",
    ),
    may_try_again=True,
)

GONE_SINCE = Refusal(
    CODE_REFUSED.title,
    Words(
        "上次在这个浏览器里登录的账号已停用或已注销，重新登录没有用。如有疑问，请联系人力资源部；仍是员工的，请让信息部门"
        "在企业微信中恢复您的账号。这不是您的账号的，请重新登录。",
        "The account that was signed in with this browser last is disabled or has ended: signing in again cannot help. "
        "Ask HR about it, or IT to restore the account in WeCom if you still work here. If it was not yours, sign in.",
    ),
    may_try_again=True,
)
"""Only who holds the cookie of a session that ended reads this: strangers learn nothing about accounts."""
