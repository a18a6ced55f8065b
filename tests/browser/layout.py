"""What eyes notice on a page, asked of the browser."""

from __future__ import annotations

from typing import Final

from playwright.async_api import Page

_LOOK: Final = """() => {
    const found = [];
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) {
        const wide = [...document.body.querySelectorAll('*')].filter(one =>
            one.getBoundingClientRect().right > root.clientWidth + 1 && !one.closest('.scroll, .bar ul, .tabs, pre'));
        found.push(`sticks out by ${root.scrollWidth - root.clientWidth}: ${wide.slice(0, 2).map(one =>
            one.outerHTML.slice(0, 120)).join(' … ')}`);
    }
    const title = document.querySelector('h1');
    const box = title && title.getBoundingClientRect();
    if (!title || !box.width || !box.height) found.push('no heading to be seen');
    for (const one of document.querySelectorAll('body *')) {
        const style = getComputedStyle(one);
        const hides = ['hidden', 'clip'].includes(style.overflowX) || ['hidden', 'clip'].includes(style.overflowY);
        if (hides && !one.matches('.unseen, .skip, svg, svg *') &&
            (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1))
            found.push(`cut off: ${one.outerHTML.slice(0, 120)}`);
    }
    for (const one of document.querySelectorAll('td.number, time, .exact')) {
        const words = document.createRange();
        words.selectNodeContents(one);
        const lines = [...words.getClientRects()].filter(box => box.width);
        const broken = one.matches('.number') ? [...one.childNodes].some(part => {
            const text = document.createRange();
            text.selectNodeContents(part);
            return part.nodeType === Node.TEXT_NODE && text.getClientRects().length > 1;
        }) : lines.some(box => box.top > lines[0].bottom - 2);
        if (broken) found.push(`broken into lines: ${one.outerHTML.slice(0, 120)}`);
    }
    return found;
}"""


async def misplaced(page: Page) -> list[str]:
    """What makes the page wider than the screen, a heading that is not there, text that is cut off, a number or a time
    that goes on in the next line.
    """
    found: list[str] = await page.evaluate(_LOOK)
    return found
