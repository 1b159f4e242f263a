"""What can go wrong, and how it is told."""

from ropewalk import App, HTTPError, Request, Response


class Problem(Exception):
    """Something that the client should know. Its text is for them."""

    status = 400


class Missing(Problem):
    """There is no such thing."""

    status = 404


class Conflict(Problem):
    """The books do not allow it."""

    status = 409


class Unfit(Problem):
    """It names something that is not there."""

    status = 422


def add_handlers(app: App) -> None:
    """Answer in JSON whatever goes wrong: by our own exceptions, or by those of Ropewalk."""

    @app.error(Problem)
    def tell(request: Request, problem: Problem) -> Response:
        return Response({"error": str(problem)}, status=problem.status)

    @app.error(HTTPError)
    def refuse(request: Request, error: HTTPError) -> Response:
        return Response({"error": error.detail}, status=error.status, headers=error.headers)
