"""What people have typed stays what they have typed: in a text message a link, a mention and nothing else is markup
(messaging §1.3, §2.5), and only we write it. Pure.

Cards have no markup (messaging §1.4): they carry texts as they are. A client may show an escape as it stands, so that a
sign that begins markup is replaced by its full-width form, which reads alike and begins nothing.
"""

from __future__ import annotations

import re

MORE = "查看详情"

_BEGINS = re.compile(r"<|&(?=#?\w{1,32};|lt|#0*60|#x0*3c)", re.IGNORECASE)
"""`<a href…`, `<@userid>`, and what a client might read as `<`."""
_INERT = {"<": "＜", "&": "＆"}


def inert(text: str) -> str:
    """The text with nothing in it that a client could take for a link or a mention."""
    return _BEGINS.sub(lambda sign: _INERT[sign[0]], text)


def with_link(text: str, url: str | None) -> str:
    """A text with the page that it speaks of, opened by a tap (messaging §1.3); as it is without a page."""
    return f"{inert(text)}\n{_link(url)}" if url else text


def _link(url: str) -> str:
    return f'<a href="{url.replace(chr(34), "%22")}">{MORE}</a>'


def inert_but_own(text: str, *, own: str | None) -> str:
    """For whoever sends: inert but for the links that `with_link` has written, to pages below the address `own`.

    Who types such a link leads to a page of ours, under the words that we give it: that deceives nobody.
    """
    if not own:
        return inert(text)
    ours = re.compile(rf'(<a href="{re.escape(own.rstrip("/"))}/[^"<>\s\\]*">{MORE}</a>)')
    return "".join(
        part if is_ours else inert(part)
        for part, is_ours in ((part, index % 2 == 1) for index, part in enumerate(ours.split(text)))
    )
