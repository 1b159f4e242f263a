"""The command `ropewalk explain CODE`."""

import re
from itertools import groupby

import click
from rich.console import Console

from ropewalk.cli.columns import columns
from ropewalk.cli.flags import Command
from ropewalk.errors import CATALOGUE, SUBJECTS, Entry, page_of
from ropewalk.suggest import did_you_mean


@click.command(cls=Command)
@click.argument("codes", metavar="[CODE]...", nargs=-1)
def explain(codes: tuple[str, ...]) -> None:
    """Explain an error code such as RW213: what it means and what to do. Without a CODE, list all codes.

    A word instead of a CODE lists the codes that mention it.
    """
    entries = [entry for code in codes for entry in _find(code)]
    console = Console(soft_wrap=True, highlight=False)
    if not entries:
        listed = sorted(CATALOGUE.values(), key=lambda entry: entry.code)
        for start, group in groupby(listed, key=lambda entry: entry.code[:3]):
            console.print(f"[bold]{start}..[/] {SUBJECTS[start]}")
            console.print(columns([(f"  {entry.code}", entry.summary) for entry in group], ("cyan", "")))
    for entry in entries:
        console.print(f"{entry.code} {entry.summary}\nRemedy: {entry.remedy}", markup=False)
        page = page_of(entry.code)
        if page:
            console.print(f"Page: {page}", markup=False)


def _find(code: str) -> list[Entry]:
    """The catalogue entry for a code, or the entries that mention a word.

    The code may be in lower case, without `RW`, or with a colon after it.
    """
    name = code.strip().rstrip(":").upper()
    name = f"RW{name}" if name.isdigit() else name
    if name in CATALOGUE:
        return [CATALOGUE[name]]
    word = re.compile(rf"(?i)\b{re.escape(code.strip())}")
    found = [entry for entry in CATALOGUE.values() if word.search(f"{entry.summary} {entry.remedy}")]
    if found and code.strip()[:1].isalpha():
        return found
    # The summary is shown, because similar codes have unrelated meanings.
    meant = did_you_mean(name, [name[:5]] if name[:5] in CATALOGUE else CATALOGUE) if name.startswith("RW") else ""
    shown = re.sub(r"RW\d+", lambda found: f"{found[0]} ({CATALOGUE[found[0]].summary.rstrip('.')})", meant)
    what = f"There is no code {code!r}, and no code mentions it.{shown} `ropewalk explain` lists all codes."
    raise click.BadParameter(what, param_hint="CODE")
