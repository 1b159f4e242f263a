"""A chart of the results: CPU time per request in a few cases, with one row for each peer."""

from io import StringIO
from typing import Any, Final

from matplotlib import rc_context
from matplotlib.figure import Figure

from benchmarks.report import CEILING, Run, figure

SHOWN: Final = {
    "plaintext-64": "Plain text",
    "json": "JSON",
    "validate": "A POST of JSON, validated",
    "echo-1k": "Echo of a POST of 1 KiB",
    "file-50k": "A file of 50 KiB",
    "sleep": "10 ms of sleep in asyncio",
}
OURS: Final = "#c2410c"
OTHERS: Final = "#a8a29e"
LIMIT: Final = "#44403c"
COLUMNS: Final = 2
STYLE: Final[Any] = {"svg.fonttype": "none", "svg.hashsalt": "ropewalk", "font.family": "sans-serif", "font.size": 9}


def as_svg(run: Run) -> str:
    cases = [case for case in run.cases if case.name in SHOWN and run.ranking(case)]
    rows = -(-len(cases) // COLUMNS)
    with rc_context(STYLE):
        drawing = Figure(figsize=(11, 3.6 * rows), layout="constrained")
        axes = drawing.subplots(rows, COLUMNS, squeeze=False)
        for place, case in zip(axes.flat, cases, strict=False):
            panel(place, run, case)
        for place in list(axes.flat)[len(cases) :]:
            place.axis("off")
        drawing.suptitle("CPU of the server per request, in microseconds: shorter is better")
        text = StringIO()
        drawing.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def panel(place: Any, run: Run, case: Any) -> None:
    ranking = run.ranking(case)
    names = [peer.title.replace("*", "").replace("`", "") for peer, _ in ranking]
    values = [score.median("cpu_microseconds") for _, score in ranking]
    colours = [OURS if peer.ours else LIMIT if peer.name == CEILING else OTHERS for peer, _ in ranking]
    bars = place.barh(names, values, color=colours)
    place.bar_label(bars, [figure(value) for value in values], padding=3)
    place.invert_yaxis()
    place.set_title(SHOWN[case.name], loc="left", fontsize=10)
    place.margins(x=0.15)
    place.spines[["top", "right"]].set_visible(False)
