"""Redirects after a form."""

from ropewalk.errors.exceptions import Fields
from ropewalk.headers import Text
from ropewalk.response.response import Response


def see_other(target: Text, headers: Fields = ()) -> Response:
    """Redirect a browser to a page after it has sent a form: `return see_other("/guests")`.

    The status is 303 (RFC 9110, section 15.4.4), so the browser gets the page with GET, and reloading the page does not
    send the form again. Redirect only to URLs that your own code builds. Raises InvalidField for control characters.
    """
    return Response.redirect(target, 303, headers)
