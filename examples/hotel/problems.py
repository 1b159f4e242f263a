"""What can go wrong, and how it is told."""

from ropewalk import App, Request, Response


class Conflict(Exception):
    """The books do not allow it. Answered by 409."""


class Missing(Exception):
    """There is no such thing. Answered by 404."""


def add_handlers(app: App) -> None:
    """Answer our exceptions as JSON."""

    @app.error(Conflict)
    def conflict(request: Request, error: Conflict) -> Response:
        return Response({"error": str(error)}, status=409)

    @app.error(Missing)
    def missing(request: Request, error: Missing) -> Response:
        return Response({"error": str(error)}, status=404)
