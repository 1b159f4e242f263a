"""The command `ropewalk explain CODE`."""

import click
from rich.console import Console

from ropewalk.cli.columns import columns
from ropewalk.cli.flags import Command
from ropewalk.errors import CATALOGUE, Entry


@click.command(cls=Command)
@click.argument("codes", metavar="[CODE]...", nargs=-1)
def explain(codes: tuple[str, ...]) -> None:
    """Explain an error code such as RW213: what it means and what to do. Without a CODE, list all codes."""
    entries = [_find(code) for code in codes]
    console = Console(soft_wrap=True, highlight=False)
    if not entries:
        listed = sorted(CATALOGUE.values(), key=lambda entry: entry.code)
        console.print(columns([(entry.code, entry.summary) for entry in listed], ("cyan", "")))
    for entry in entries:
        console.print(f"{entry.code} {entry.summary}\nRemedy: {entry.remedy}", markup=False)


def _find(code: str) -> Entry:
    """The catalogue entry for a code. The code may be in lower case, without `RW`, or with a colon after it."""
    name = code.strip().rstrip(":").upper()
    name = f"RW{name}" if name.isdigit() else name
    if name not in CATALOGUE:
        # No similar code is suggested, because similar codes have unrelated meanings.
        raise click.BadParameter(f"There is no code {code!r}. `ropewalk explain` lists all codes.", param_hint="CODE")
    return CATALOGUE[name]
