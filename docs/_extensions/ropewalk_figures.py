"""Bar charts of measured figures, drawn from the tables in `benchmarks/results`."""

import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, ClassVar, Final

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

RESULTS: Final = Path(__file__).parents[2] / "benchmarks" / "results"

OURS: Final = "Ropewalk"
COLUMN: Final = "CPU µs/request"

WIDTH, LABELS, VALUES = 480, 170, 60
ROW, BAR = 26, 16


@dataclass(frozen=True)
class Figure:
    """The CPU time that a server needs for one request, in microseconds."""

    server: str
    cpu: float

    @property
    def is_ours(self) -> bool:
        return self.server.startswith(OURS)


@dataclass(frozen=True)
class Run:
    """One table of a file of results, and when it was measured."""

    title: str
    date: str
    commit: str
    figures: list[Figure]


def read_run(text: str, title: str) -> Run:
    """Read the table below a heading of a file of results. Raises LookupError if there is none."""
    heading, _, rest = text.partition(f"### {title}\n")
    if not _:
        raise LookupError(f"There is no table {title!r}.")
    header, _, *rows = re.findall(r"(?m)^\|(.*)\|$", rest.split("\n### ")[0])
    column = [cell.strip() for cell in header.split("|")].index(COLUMN)
    cells = [[cell.strip() for cell in row.split("|")] for row in rows]
    date = re.search(r"Measured on (\d{4}-\d\d-\d\d)", heading)
    commit = re.search(r"commit `(\S+)`", heading)
    if date is None or commit is None:
        raise LookupError("The results do not say when they were measured.")
    figures = [Figure(name_of(each[0]), float(each[column])) for each in cells]
    return Run(title, date[1], commit[1], figures)


def name_of(cell: str) -> str:
    """The name of a server, without marks and without the remark after it."""
    return re.sub("[*`]", "", cell).partition(". ")[0]


def chosen(run: Run, leave_out: str = "") -> list[Figure]:
    """The figures of a chart, the smallest first: the first figure of Ropewalk, and those of all other servers except
    `leave_out`."""
    ours = next(each for each in run.figures if each.is_ours)
    others = [each for each in run.figures if not each.is_ours and each.server != leave_out]
    return sorted([Figure(OURS, ours.cpu), *others], key=lambda each: each.cpu)


def draw(figures: list[Figure]) -> str:
    """Draw bars whose lengths are proportional to the figures. The styles are in `ropewalk.css`."""
    most = max(each.cpu for each in figures)
    room = WIDTH - LABELS - VALUES
    words = ", ".join(f"{each.server} {each.cpu:g} µs" for each in figures)
    label = escape(f"CPU time per request: {words}")
    parts = [f'<svg class="rw-bars" viewBox="0 0 {WIDTH} {ROW * len(figures)}" role="img" aria-label="{label}">']
    for number, each in enumerate(figures):
        middle = ROW * number + ROW / 2
        length = max(2, room * each.cpu / most)
        name = escape(each.server)
        parts += [
            f'<g class="{"rw-ours" if each.is_ours else "rw-peer"}">',
            f'<text x="{LABELS - 10}" y="{middle}" text-anchor="end" dominant-baseline="central">{name}</text>',
            f'<rect x="{LABELS}" y="{middle - BAR / 2}" width="{length:.1f}" height="{BAR}" rx="3"/>',
            f'<text x="{LABELS + length + 7:.1f}" y="{middle}" dominant-baseline="central">{each.cpu:g}</text>',
            "</g>",
        ]
    return "".join([*parts, "</svg>"])


class CPUChart(SphinxDirective):
    """A chart of the CPU time per request, from one table of one file of results."""

    required_arguments = 1  # the file
    has_content = True  # the title of the table
    option_spec: ClassVar = {"caption": directives.unchanged_required, "leave-out": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        file = RESULTS / self.arguments[0]
        self.env.note_dependency(str(file))
        run = read_run(file.read_text(encoding="utf-8"), self.content[0])
        left_out = self.options.get("leave-out", "")
        notes = [f"Measured on {run.date}, commit {run.commit}."]
        notes += [f"Not shown: {each.server}, {each.cpu:g}." for each in run.figures if each.server == left_out]
        caption = f"<b>{escape(self.options['caption'])}</b> {escape(' '.join(notes))}"
        html = f'<figure class="rw-chart">{draw(chosen(run, left_out))}<figcaption>{caption}</figcaption></figure>'
        return [nodes.raw("", html, format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive("cpu-chart", CPUChart)
    return {"parallel_read_safe": True, "version": "1"}
