"""The HTML of error pages. Every text is escaped. The page runs no code except the script that copies its text."""

from collections.abc import Iterable
from html import escape
from importlib.resources import files
from itertools import groupby
from typing import Final

from ropewalk.dev.editor_links import Links
from ropewalk.dev.failures import ShownException, ShownFrame
from ropewalk.dev.short_reprs import unicode_text
from ropewalk.errors import relative

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style nonce="{nonce}">
{style}</style>
</head>
<body>
<main>
{content}</main>
<script nonce="{nonce}">
{script}</script>
</body>
</html>
"""


def page(title: str, content: str, nonce: str) -> str:
    """A whole page. `content` is HTML. `nonce` is that of the page's Content-Security-Policy."""
    folder = files("ropewalk.dev")
    text = _PAGE.format(
        title=escape(title),
        nonce=escape(nonce),
        style=(folder / "page.css").read_text("utf-8"),
        content=content,
        script=(folder / "page.js").read_text("utf-8"),
    )
    return unicode_text(text)


def policy(nonce: str) -> str:
    """The Content-Security-Policy of a page."""
    return (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def exceptions_html(exceptions: Iterable[ShownException], links: Links) -> str:
    """The exceptions with their frames."""
    return "".join(_exception(each, links) for each in exceptions)


def text_html(text: str) -> str:
    """A text that can be copied, in a closed part of the page."""
    return (
        '<section class="text"><details><summary>As text</summary>\n'
        '<button type="button" data-copy="as-text">Copy as text</button>\n'
        f'<pre id="as-text">{escape(text)}</pre></details></section>\n'
    )


def table_html(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """A section with a table of names and values."""
    lines = "".join(f"<tr><th>{escape(name)}</th><td><code>{escape(value)}</code></td></tr>\n" for name, value in rows)
    return f'<section class="data"><h2>{escape(title)}</h2>\n<table>\n{lines}</table></section>\n'


def _exception(shown: ShownException, links: Links) -> str:
    level = "h2" if shown.relation else "h1"
    parts = ['<section class="exception">\n']
    if shown.relation:
        parts.append(f'<p class="relation">{escape(shown.relation)}</p>\n')
    parts.append(f'<{level}>{escape(shown.kind)}</{level}>\n<p class="message">{escape(shown.message)}</p>\n')
    parts += [f'<p class="note">{escape(note)}</p>\n' for note in shown.notes]
    if shown.left_out:
        parts.append(f'<p class="relation">{shown.left_out} frames in the middle are left out.</p>\n')
    last = max((number for number, frame in enumerate(shown.frames) if frame.is_users), default=len(shown.frames) - 1)
    for users, group in groupby(enumerate(shown.frames), key=lambda each: each[1].is_users):
        frames = list(group)
        html = "".join(_frame(frame, links, is_open=users or number == last) for number, frame in frames)
        if users or any(number == last for number, _ in frames):
            parts.append(html)
        else:
            count = "1 frame" if len(frames) == 1 else f"{len(frames)} frames"
            parts.append(f'<details class="libraries"><summary>{count} of libraries</summary>\n{html}</details>\n')
    return "".join([*parts, "</section>\n"])


def _frame(frame: ShownFrame, links: Links, *, is_open: bool) -> str:
    place = escape(relative(frame.file, frame.line))
    link = links(frame.file, frame.line)
    if link is not None:
        place = f'<a href="{escape(link)}">{place}</a>'
    head = f"<summary><code>{escape(frame.function)}</code> {place}</summary>\n"
    source = "".join(_line(number, text, frame) for number, text in frame.source)
    body = f'<pre class="source">{source}</pre>\n' if source else '<p class="relation">The source cannot be read.</p>\n'
    if frame.variables:
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td><code>{escape(value)}</code></td></tr>\n"
            for name, value in frame.variables
        )
        body += f'<details class="variables"><summary>Variables</summary>\n<table>\n{rows}</table></details>\n'
    return f'<details class="frame"{" open" if is_open else ""}>{head}{body}</details>\n'


def _line(number: int, text: str, frame: ShownFrame) -> str:
    if number != frame.line:
        return f'<span class="line"><i>{number}</i>{escape(text)}</span>'
    shown = escape(text)
    if frame.marked is not None:
        start, end = frame.marked
        shown = f"{escape(text[:start])}<mark>{escape(text[start:end] or ' ')}</mark>{escape(text[end:])}"
    return f'<span class="line current"><i>{number}</i>{shown}</span>'
