"""What `ropewalk dev` adds to the served app: a middleware around everything, and the error pages."""

from collections.abc import Awaitable, Callable

from ropewalk.app import App
from ropewalk.dev.browser_refresh import BrowserRefresh
from ropewalk.dev.error_pages import ErrorPages, is_private, own_policy, problem_response
from ropewalk.dev.problem import Problem
from ropewalk.middleware import Middleware
from ropewalk.request import Request
from ropewalk.response import Response

Next = Callable[[Request], Awaitable[Response]]


def develop(app: App, pages: ErrorPages, refresh: BrowserRefresh | None) -> None:
    """Add the error pages to an app before it is served, and the browser refresh unless it is None."""
    app.developer = pages
    app.middlewares.insert(0, _around(refresh))


def broken_app(problem: Problem, refresh: BrowserRefresh | None) -> App:
    """An app that responds to every request with an error."""
    around = _around(refresh)

    async def show_problem(request: Request, next: Next) -> Response:
        del next
        if is_private(request):
            return problem_response(problem, request)
        return Response("The program does not start. The terminal shows the error.\n", 500)

    return App(middleware=[around, show_problem])


def _around(refresh: BrowserRefresh | None) -> Middleware:
    async def development(request: Request, next: Next) -> Response:
        if refresh is None:
            return _with_own_policy(await next(request), request)
        own = refresh.response(request)
        if own is not None:
            return own
        return refresh.add_to(_with_own_policy(await next(request), request), request)

    return development


def _with_own_policy(response: Response, request: Request) -> Response:
    """The response. If it is an error page, it gets the policy of this page instead of the app's."""
    policy = own_policy(request)
    if policy is None or request.started or response.status not in (404, 500):
        return response
    changed = response.detached()
    changed.headers["content-security-policy"] = policy
    return changed
