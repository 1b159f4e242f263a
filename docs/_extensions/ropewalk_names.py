"""Tables of the public names: one on each page of the reference, and one of all pages in its index."""

from collections.abc import Iterator
from typing import Any, Final

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

FOLDER: Final = "reference/"
INDEX: Final = "reference/index"

MEMBERS: Final = {"method", "property", "attribute"}
"""The kinds of names that belong to a class."""


class Entry:
    """A public name of a page, and the members that the page describes."""

    def __init__(self, name: str, anchor: str) -> None:
        self.name = name
        self.anchor = anchor
        self.summary: list[nodes.Node] = []
        self.members: list[tuple[str, str]] = []
        """The name and the anchor of each member."""


def entries_of(document: nodes.document) -> list[Entry]:
    """The classes, functions and constants that a page describes, in its order."""
    found: dict[str, Entry] = {}
    for description in document.findall(addnodes.desc):
        signature = next(description.findall(addnodes.desc_signature), None)
        if signature is None or not signature.get("ids"):
            continue
        path, anchor = _full(signature, signature["fullname"]), signature["ids"][0]
        owner = _full(signature, signature.get("class", ""))
        if description["objtype"] in MEMBERS and owner:
            if owner in found:
                found[owner].members.append((path.removeprefix(f"{owner}."), anchor))
        else:
            found[path] = Entry(path, anchor)
            found[path].summary = summary_of(description)
    return list(found.values())


def _full(signature: addnodes.desc_signature, name: str) -> str:
    """The full name of an entry. It has its module already if the page does not set the current module."""
    module = signature.get("module") or ""
    return f"{module}.{name}" if name and module and not name.startswith(f"{module}.") else name


def summary_of(description: addnodes.desc) -> list[nodes.Node]:
    """Copy the first sentence of a description."""
    content = next(description.findall(addnodes.desc_content))
    first = next((child for child in content.children if isinstance(child, nodes.paragraph)), None)
    return list(_first_sentence(first)) if first is not None else []


def _first_sentence(paragraph: nodes.paragraph) -> Iterator[nodes.Node]:
    for child in paragraph.children:
        text = child.astext()
        if isinstance(child, nodes.Text) and ". " in text:
            yield nodes.Text(text.partition(". ")[0] + ".")
            return
        yield child.deepcopy()


def add_table(app: Sphinx, document: nodes.document) -> None:
    """Put the table of its names on a page of the reference. Sphinx calls this for each page that it has read."""
    page = app.env.current_document.docname
    entries = entries_of(document) if page.startswith(FOLDER) and page != INDEX else []
    if not entries:
        return
    section = next(document.findall(nodes.section))
    section.insert(_place(section), make_table([(_name(entry), _meaning(entry)) for entry in entries], "rw-names"))


def _place(section: nodes.section) -> int:
    """The position for the table on a page: after the example at its beginning. Without an example, after the first
    paragraph."""
    lead = 1
    for number, child in enumerate(section.children[1:], 1):
        if isinstance(child, (nodes.section, nodes.table, addnodes.desc, addnodes.index)):
            break
        if isinstance(child, nodes.literal_block):
            return number + 1
        if isinstance(child, nodes.paragraph) and lead == 1:
            lead = number + 1
    return lead


def make_table(rows: list[tuple[list[nodes.Node], list[nodes.Node]]], kind: str) -> nodes.table:
    """A table of two columns without headings."""
    group = nodes.tgroup(cols=2)
    group += [nodes.colspec(colwidth=30), nodes.colspec(colwidth=70)]
    body = nodes.tbody()
    for row in rows:
        body += nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in row))
    group += body
    return nodes.table("", group, classes=[kind])


def link(text: str, target: str) -> nodes.reference:
    """A name that links to its description."""
    return nodes.reference("", "", nodes.literal(text, text), internal=True, refuri=target)


def _name(entry: Entry) -> list[nodes.Node]:
    return [link(entry.name.rpartition(".")[2], f"#{entry.anchor}")]


def _meaning(entry: Entry) -> list[nodes.Node]:
    found = [*entry.summary]
    if entry.members:
        names: list[nodes.Node] = [nodes.Text(" ")] if found else []
        for name, anchor in entry.members:
            names += [link(name, f"#{anchor}"), nodes.Text(" ")]
        found.append(nodes.inline("", "", *names, classes=["rw-members"]))
    return found


class AllNames(nodes.General, nodes.Element):
    """A placeholder for the table of all names, because the names are known only when all pages have been read."""


class NameIndex(SphinxDirective):
    """A table with the public names of each page, for the index of the reference."""

    def run(self) -> list[nodes.Node]:
        return [AllNames("")]


def fill_index(app: Sphinx, document: nodes.document, page: str) -> None:
    """Replace the placeholder with the table of all names. Sphinx calls this for each page."""
    for place in list(document.findall(AllNames)):
        place.replace_self(make_table(list(_rows(app, page)), "rw-index") if app.builder.format == "html" else [])


def _rows(app: Sphinx, page: str) -> Iterator[tuple[list[nodes.Node], list[nodes.Node]]]:
    by_page: dict[str, list[nodes.Node]] = {}
    for name, entry in sorted(app.env.domains.python_domain.objects.items(), key=lambda each: each[0].lower()):
        if entry.objtype not in MEMBERS and not entry.aliased and entry.docname.startswith(FOLDER):
            uri = app.builder.get_relative_uri(page, entry.docname)
            names = by_page.setdefault(entry.docname, [])
            names += [link(name.removeprefix("ropewalk."), f"{uri}#{entry.node_id}"), nodes.Text(" ")]
    for docname, names in sorted(by_page.items()):
        yield [link(docname.removeprefix(FOLDER), app.builder.get_relative_uri(page, docname))], names


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_node(AllNames)
    app.add_directive("name-index", NameIndex)
    app.connect("doctree-read", add_table)
    app.connect("doctree-resolved", fill_index)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
