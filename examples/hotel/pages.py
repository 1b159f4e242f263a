"""The templates of the pages, and the files that they use."""

from pathlib import Path

from ropewalk.static_files import Static
from ropewalk.templating import Templates, TemplatesOptions

HERE = Path(__file__).parent


def euros(cents: int) -> str:
    """Show a price."""
    return f"{cents / 100:,.2f} €"


templates = Templates(HERE / "templates", TemplatesOptions(filters={"euros": euros}))
static = Static(HERE / "static")
