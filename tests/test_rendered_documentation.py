"""The rendered documentation: its links and anchors, its signatures, and its width in a browser."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from tests.browser import chromium, rendered
from tests.processes import ROOT
from tests.processes import ropewalk as command

import ropewalk

pytest.importorskip("sphinx")

pytestmark = pytest.mark.slow

WIDTHS = (390, 1280)

PROBE = """<!doctype html><meta charset="utf-8"><pre id="found"></pre><iframe id="page"></iframe>
<script>
const pages = PAGES, widths = WIDTHS, found = [], frame = document.getElementById("page");
frame.style.height = "800px";
function isTooWide(element) {
  const view = frame.contentWindow;
  if (element.getBoundingClientRect().right <= view.innerWidth + 1) return false;
  for (let each = element; each.tagName !== "ARTICLE"; each = each.parentElement)
    if (view.getComputedStyle(each.parentElement).overflowX !== "visible" && each.parentElement.tagName !== "ARTICLE")
      return false;
  return true;
}
async function measure() {
  for (const width of widths) {
    frame.style.width = width + "px";
    for (const page of pages) {
      await new Promise(done => { frame.onload = done; frame.src = page; });
      const wide = [...frame.contentDocument.querySelectorAll("article *")].find(isTooWide);
      const root = frame.contentDocument.documentElement;
      if (wide || root.scrollWidth > root.clientWidth)
        found.push([page, width, wide ? wide.outerHTML.slice(0, 99) : ""]);
    }
  }
  document.getElementById("found").textContent = JSON.stringify(found);
}
measure();
</script>
"""
"""A page that loads the other pages in a frame, and lists those that are wider than the frame.

On narrow windows, the theme hides the part of an element that is too wide, so the script also measures each element.
Elements that scroll by themselves do not count.
"""


class Page(HTMLParser):
    """The links, the anchors and the sections of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("id"):
            self.anchors.add(str(values["id"]))
        link = values.get("href") if tag == "a" else values.get("src")
        if link and tag in ("a", "img", "script"):
            self.links.append(link)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the rendered documentation."""
    folder = tmp_path_factory.mktemp("documentation")
    arguments = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-d", str(folder / "trees")]
    subprocess.run([*arguments, str(ROOT / "docs"), str(folder / "html")], check=True, timeout=300)
    return folder / "html"


def pages_of(site: Path) -> list[Path]:
    return sorted(path for path in site.rglob("*.html") if not {"_static", "_downloads"} & {*path.parts})


def broken_links(site: Path) -> Iterator[str]:
    """Every link of a page to a page, a file or an anchor of the site that does not exist."""
    pages = {path: Page(path) for path in pages_of(site)}
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = pages[target].anchors if target in pages else set()
            if not target.exists() or (parts.fragment and unquote(parts.fragment) not in anchors):
                yield f"{path.relative_to(site)}: {link}"


def test_links_lead_to_pages_and_anchors(site: Path) -> None:
    assert list(broken_links(site)) == []


def test_every_section_has_content(site: Path) -> None:
    empty = []
    for path in pages_of(site):
        text = path.read_text(encoding="utf-8")
        for section, title in re.findall(r'<section id="([^"]+)">\s*(<h\d>.*?</h\d>)\s*</section>', text, re.DOTALL):
            empty.append(f"{path.relative_to(site)}#{section}: {re.sub('<.*?>', '', title)}")
    assert empty == []


def signatures(site: Path) -> Iterator[tuple[str, str]]:
    """The page and the text of each signature."""
    for path in sorted((site / "reference").glob("*.html")):
        text = path.read_text(encoding="utf-8")
        for found in re.findall(r'<dt class="sig sig-object py"[^>]*>(.*?)</dt>', text, re.DOTALL):
            yield path.stem, re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", found)))


def test_signatures_are_readable(site: Path) -> None:
    """Signatures show the parameters of a class, not of its metaclass, and no address, module or mark of Sphinx."""
    unreadable = re.compile(r"\*given: Any|\*arguments: Any|<factory>|~| at 0x|\b_[a-z]\w*\.|ropewalk\.\w+\._")
    assert [each for each in signatures(site) if unreadable.search(each[1])] == []


def test_public_names_are_not_shown_by_private_paths(site: Path) -> None:
    assert [
        name for page, name in signatures(site) if re.match(r"(?:class |exception )?ropewalk(\.\w+)*\._", name)
    ] == []


def test_pages_of_the_reference_open_with_an_example_and_a_table(site: Path) -> None:
    without = []
    for path in sorted((site / "reference").glob("*.html")):
        text = path.read_text(encoding="utf-8")
        first = text.partition("<h1>")[2].partition("<h2>")[0]
        if "sig-object py" in text and ("rw-names" not in first or '<div class="highlight' not in first):
            without.append(path.stem)
    assert without == []


def names_on(page: str, site: Path) -> set[str]:
    """The names in the tables of names of a page of the reference."""
    text = (site / "reference" / f"{page}.html").read_text(encoding="utf-8")
    tables = re.findall(r'<table class="[^"]*rw-(?:names|index).*?</table>', text, re.DOTALL)
    return {re.sub("<.*?>", "", name) for table in tables for name in re.findall(r"<a [^>]*>(.*?)</a>", table)}


def test_tables_have_the_names_and_the_members_of_classes(site: Path) -> None:
    assert {"Request", "method", "url_for", "QueryParams", "pairs"} <= names_on("request", site)
    assert {"App", "get", "middleware", "on_start"} <= names_on("app", site)
    assert {"TLSOptions", "certificate", "run"} <= names_on("server", site)


def test_the_index_has_every_public_name(site: Path) -> None:
    assert {*ropewalk.__all__} - {"__version__"} - names_on("index", site) == set()


def test_the_page_for_unknown_addresses_works_at_any_depth(site: Path) -> None:
    head = (site / "404.html").read_text(encoding="utf-8").partition("<head>")[2]
    assert head.startswith('<base href="/">')


def test_pages_name_their_language(site: Path) -> None:
    assert 'lang="zh-Hans"' in (site / "zh" / "tutorial.html").read_text(encoding="utf-8")[:200]
    assert 'lang="en"' in (site / "tutorial.html").read_text(encoding="utf-8")[:200]


@pytest.mark.skipif(chromium is None, reason="there is no Chromium here")
def test_no_page_is_wider_than_the_window(site: Path, tmp_path: Path) -> None:
    """Code and tables may scroll by themselves, but the page must not."""
    pages = [str(path.relative_to(site)) for path in pages_of(site)]
    probe = PROBE.replace("PAGES", json.dumps(pages)).replace("WIDTHS", json.dumps(WIDTHS))
    (site / "probe.html").write_text(probe, encoding="utf-8")
    with command("static", site) as server:
        page = rendered(f"{server.url}/probe.html", tmp_path)
    found = re.search(r'<pre id="found">(.*?)</pre>', page)
    assert found, page[-500:]
    assert found[1], "the browser has not loaded all pages"
    assert json.loads(unescape(found[1])) == []
