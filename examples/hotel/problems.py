"""Errors, and the responses to them."""

from ropewalk import App, HTTPError, Request, Response


class Problem(Exception):
    """An error whose text the client gets."""

    status = 400


class Missing(Problem):
    """The thing does not exist."""

    status = 404


class Conflict(Problem):
    """The stored data do not allow the request."""

    status = 409


class Unfit(Problem):
    """The request names something that does not exist."""

    status = 422


def add_handlers(app: App) -> None:
    """Respond in JSON to the exceptions of the hotel and of Ropewalk."""

    @app.error(Problem)
    def respond(request: Request, problem: Problem) -> Response:
        return Response({"error": str(problem)}, status=problem.status)

    @app.error(HTTPError)
    def refuse(request: Request, error: HTTPError) -> Response:
        return Response({"error": error.detail}, status=error.status, headers=error.headers)
