"""Flash messages: texts for the next page that this client sees."""

from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Final

from ropewalk.clocks import unix_time
from ropewalk.request import Request
from ropewalk.sessions.values import OWN

_PREFIX: Final = f"{OWN}flash."
MOST: Final = 20
"""The maximum number of messages that wait for a page. If there are more, the oldest are dropped."""


@dataclass(frozen=True, slots=True)
class Flash:
    """A message for the next page."""

    text: str
    """The text, as it was given to `flash`. Escape it in HTML, as templates do."""
    category: str
    """What kind of message it is, such as "info" or "error"."""


def flash(request: Request, text: str, category: str = "info") -> None:
    """Keep a message for the next page that this client sees: `flash(request, "The room is booked.")`.

    Each message is a value of its own in the session, so that messages of concurrent requests are all kept. Raises
    HandlerError (RW250) without `sessions`.
    """
    session = request.session
    waiting = sorted(session.own_names(_PREFIX))
    for name in waiting[: max(0, len(waiting) + 1 - MOST)]:
        session.remove(name)
    # The name begins with the time, so that sorted names are in the order of the messages.
    order = len(waiting)
    session.write(f"{_PREFIX}{unix_time():017.6f}.{order:02d}.{token_urlsafe(6)}", [str(text), str(category)])


def flashes(request: Request) -> list[Flash]:
    """The messages that wait, the oldest first.

    They are removed when the response has been made, so only one page shows them. Until then, each call returns them.
    They are kept for another page if the client does not see the page: the request is a HEAD, or the response is a
    redirect, has no body, or has a status of 500 or more.
    """
    session = request.session
    return [Flash(*session.show(name)) for name in sorted(session.own_names(_PREFIX))]
