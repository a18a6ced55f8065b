"""Texts as the client shows them: links and mentions in texts, the markdown subset, card descriptions.

Everything is escaped first; only what the platform documents becomes markup (doc path/90236).
"""

import re
from collections.abc import Callable

from markupsafe import Markup, escape

NameOf = Callable[[str], str]
"""The name behind a userid, or the userid itself."""

_QUOTE_MARK = "(?:&#34;|&#39;)"
_LINK = re.compile(
    rf"&lt;a\s+href={_QUOTE_MARK}(https?://[^\s&]*(?:&amp;[^\s&]*)*){_QUOTE_MARK}[^&]*&gt;(.*?)&lt;/a&gt;"
)
_MENTION = re.compile(r"&lt;@([A-Za-z0-9_.@-]+)&gt;")
_MARKDOWN_LINK = re.compile(r"\[([^\]]+)\]\((https?://[^\s)]+)\)")
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_CODE = re.compile(r"`([^`\n]+)`")
_FONT = re.compile(rf"&lt;font color={_QUOTE_MARK}(info|comment|warning){_QUOTE_MARK}&gt;(.*?)&lt;/font&gt;", re.DOTALL)
_HEADING = re.compile(r"^(#{1,6}) +(.*)$", re.MULTILINE)
_QUOTE = re.compile(r"^&gt; ?(.*)$", re.MULTILINE)
_DIV = re.compile(rf"&lt;div class={_QUOTE_MARK}(gray|normal|highlight){_QUOTE_MARK}&gt;(.*?)&lt;/div&gt;", re.DOTALL)

_OPEN_TAG = '<a href="{}" target="_blank" rel="noopener">{}</a>'


def show_text(text: str, name_of: NameOf) -> Markup:
    """Links and `<@userid>` of a text message."""
    shown = _LINK.sub(lambda m: _OPEN_TAG.format(m[1], m[2]), str(escape(text)))
    return Markup(_mentions(shown, name_of))  # noqa: S704 - escaped above


def show_markdown(text: str, name_of: NameOf) -> Markup:
    """Headings, bold, links, inline code, quotes, three colours; nothing else, as the client."""
    shown = str(escape(text))
    shown = _CODE.sub(r"<code>\1</code>", shown)
    shown = _BOLD.sub(r"<b>\1</b>", shown)
    shown = _MARKDOWN_LINK.sub(lambda m: _OPEN_TAG.format(m[2], m[1]), shown)
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
