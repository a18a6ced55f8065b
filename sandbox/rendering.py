"""Texts as the client shows them: links and mentions in texts, the markdown subset, card descriptions.

Everything is escaped first; only what the platform documents becomes markup (doc path/90236).
"""

import re
from collections.abc import Callable

from markupsafe import Markup, escape

NameOf = Callable[[str], str]
"""The name behind a userid, or the userid itself."""
Opens = Callable[[str], str]
"""The address by which a phone opens this one."""

_QUOTE_MARK = "(?:&#34;|&#39;)"
_LINK = re.compile(
    rf"&lt;a\s+href={_QUOTE_MARK}(https?://[^\s&]*(?:&amp;[^\s&]*)*){_QUOTE_MARK}[^&]*&gt;(.*?)&lt;/a&gt;"
)
_LINK_AS_WRITTEN = re.compile(r"""<a\s+href=["']https?://[^"'\s]*["'][^>]*>(.*?)</a>""")
_MENTION = re.compile(r"&lt;@([A-Za-z0-9_.@-]+)&gt;")
_MARKDOWN_LINK = re.compile(r"\[([^\]]+)\]\((https?://[^\s)]+)\)")
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_CODE = re.compile(r"`([^`\n]+)`")
_FONT = re.compile(rf"&lt;font color={_QUOTE_MARK}(info|comment|warning){_QUOTE_MARK}&gt;(.*?)&lt;/font&gt;", re.DOTALL)
_HEADING = re.compile(r"^(#{1,6}) +(.*)$", re.MULTILINE)
_QUOTE = re.compile(r"^&gt; ?(.*)$", re.MULTILINE)
_DIV = re.compile(rf"&lt;div class={_QUOTE_MARK}(gray|normal|highlight){_QUOTE_MARK}&gt;(.*?)&lt;/div&gt;", re.DOTALL)

_ADDRESS = re.compile(r"https?://(?:(?!&(?:lt|gt|#34|#39);)[\x21-\x7e])+")
_AFTER_ADDRESS = ".,:;!?)"


def _as_it_is(url: str) -> str:
    return url


def show_text(text: str, name_of: NameOf, opens: Opens = _as_it_is) -> Markup:
    """Links, plain addresses and `<@userid>` of a text message."""
    escaped, shown, end = str(escape(text)), "", 0
    for link in _LINK.finditer(escaped):
        shown += _with_addresses(escaped[end : link.start()], opens) + _link(link[1], link[2], opens)
        end = link.end()
    shown += _with_addresses(escaped[end:], opens)
    return Markup(_mentions(shown, name_of))  # noqa: S704 - escaped above


def in_a_list(text: str) -> str:
    """What a list of conversations shows of a text: a link is its words."""
    return _LINK_AS_WRITTEN.sub(r"\1", text)


def _with_addresses(escaped: str, opens: Opens) -> str:
    """The client makes links of plain addresses by itself."""

    def linked(match: re.Match[str]) -> str:
        address = match[0].rstrip(_AFTER_ADDRESS)
        return _link(address, address, opens) + match[0][len(address) :]

    return _ADDRESS.sub(linked, escaped)


def _link(url: str, text: str, opens: Opens) -> str:
    """Both are escaped already."""
    return f'<a href="{escape(opens(Markup(url).unescape()))}" target="_blank" rel="noopener">{text}</a>'  # noqa: S704


def show_markdown(text: str, name_of: NameOf, opens: Opens = _as_it_is) -> Markup:
    """Headings, bold, links, inline code, quotes, three colours; nothing else, as the client."""
    shown = str(escape(text))
    shown = _CODE.sub(r"<code>\1</code>", shown)
    shown = _BOLD.sub(r"<b>\1</b>", shown)
    shown = _MARKDOWN_LINK.sub(lambda m: _link(m[2], m[1], opens), shown)
    shown = _FONT.sub(r'<span class="\1">\2</span>', shown)
    shown = _HEADING.sub(lambda m: f'<b class="h{len(m[1])}">{m[2]}</b>', shown)
    shown = _QUOTE.sub(r'<span class="quoted">\1</span>', shown)
    return Markup(_mentions(shown, name_of))  # noqa: S704 - escaped above


def show_description(text: str) -> Markup:
    """A text card's description: `<br>` and three classes of `<div>`."""
    shown = _DIV.sub(r'<div class="\1">\2</div>', str(escape(text)))
    return Markup(re.sub(r"&lt;br */?&gt;", "<br>", shown))  # noqa: S704 - escaped above


def _mentions(shown: str, name_of: NameOf) -> str:
    return _MENTION.sub(lambda m: f'<span class="at">@{escape(name_of(m[1]))}</span>', shown)
