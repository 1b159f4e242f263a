"""A folder of files as a site. `ropewalk static public` does the same without a program."""

from pathlib import Path

from ropewalk import App, Files, Request, Response

PUBLIC = Path(__file__).parent / "public"

app = App()
app.mount("/", Files(PUBLIC))


@app.error(404)
def not_found(request: Request, error: Exception) -> Response:
    """Send our own page instead of the default one."""
    return Response(PUBLIC / "not-found.html", status=404)


if __name__ == "__main__":
    app.run(port=8080)
