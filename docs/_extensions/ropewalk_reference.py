"""Make the reference readable: shorten signatures, mark code in docstrings, add links."""

import re
import sys
from inspect import Signature
from typing import Any, Final, Never

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util import inspect, logging

log = logging.getLogger(__name__)

ERRORS: Final = "reference/errors"
"""The page with an entry for each error code."""

CODE: Final = re.compile(r"\bRW[1-9]\d\d\b")

NAME: Final = re.compile(r"ropewalk(?:\.\w+)+(?=(?:\(\))?$)")
"""The full name of something in the reference, with or without parentheses."""

CATCHES_ALL: Final = re.compile(r"\(\*(given|arguments): (?:~typing\.)?Any, \*\*options: (?:~typing\.)?Any\)")
"""The signature that Sphinx reads from a metaclass which accepts all parameters, so that it can name a wrong one in its
error."""

FIGURE: Final = re.compile(r"[\d.,]+ \S+")
"""A figure with a unit."""

SHORT: Final = (
    (r"~(twisted\.web\.\w+\.(?:HTTPChannel|Request))", r"\1"),  # classes of Ropewalk have the same names
    (r"~ropewalk\.request\.Request\b", "ropewalk.Request"),  # the short name is also that of a class of dropin
    (r"<InterfaceClass twisted\.[\w.]*\.(\w+)>", r"\1"),
    (r"~(?:\w+\.)*~?(\w+)", r"\1"),  # Sphinx leaves the tilde where it cannot parse a default
    (r"<class '(\w+)'>", r"\1"),
    (r"Callable\[\[(?:ropewalk\.)?Request\], Awaitable\[Response\]\]", "Next"),
    (r"Callable\[\[(?:ropewalk\.)?Request, Next\], Awaitable\[Any\]\]", "Middleware"),
    (r"Mapping\[str, str \| bytes\] \| Mapping\[bytes.*?Iterable\[tuple\[str \| bytes, str \| bytes\]\]", "Fields"),
    (r"Mapping\[str, str\] \| Iterable\[tuple\[str, str\]\]", "Fields"),
    (r"str \| IPv4Address \| IPv6Address \| IPv4Network \| IPv6Network", "ProxyAddress"),
    (r"Literal\['x-forwarded', 'forwarded'\]", "ProxyHeaders"),
    (r"Literal\['strict', 'lax', 'none', 'Strict', 'Lax', 'None'\]", "Literal['strict', 'lax', 'none']"),
    (r"HandlerFunction", "Function"),
    (r"\b(ASGIResource|WSGIResource|Mounted)\b", "Resource"),
    (r"\bGraftedApp\b", "twisted.web.resource.Resource"),
    (r"float \| Default \| None = DEFAULT", "float | None = ..."),
    (r"= ?<factory>", "= ..."),
    (r"= TIMEOUT\b", "= 30.0"),
    (r"= BODY_SIZE\b", "= 104857600"),
)
"""Patterns in signatures, in order, and their replacements."""


def find_fields(app: Sphinx) -> None:
    """Let Sphinx find the docstrings of fields whose class says that it is of the package from which users import it.

    Sphinx reads them in the source of that package, but another module defines the class.
    """
    del app
    packages = {path: module for path, module in sys.modules.items() if re.match(r"ropewalk(\.[a-z]\w*)*$", path)}
    for path, package in packages.items():
        for name, value in list(vars(package).items()):
            if isinstance(value, type) and value.__module__ == path:
                analyzer = ModuleAnalyzer.for_module(path)
                analyzer.analyze()
                if name not in analyzer.tags:  # another module defines it
                    analyzer.attr_docs |= _docstrings_of_fields(name, value)


def _docstrings_of_fields(name: str, value: type) -> dict[tuple[str, str], list[str]]:
    """Return the docstrings of the fields of a class, from the one module whose source defines it."""
    modules = [path for path, module in sys.modules.items() if _is_in(path, module, name, value)]
    found = [ModuleAnalyzer.for_module(path).find_attr_docs() for path in modules]
    return {key: lines for each in found for key, lines in each.items() if key[0] == name}


def _is_in(path: str, module: Any, name: str, value: type) -> bool:
    return path.startswith("ropewalk.") and vars(module).get(name) is value


def shorten(
    app: Sphinx, what: str, name: str, value: Any, options: Any, signature: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """Replace types in a signature with the names of their aliases. Sphinx calls this for each signature."""
    del app, name, options
    if what == "class" and signature and CATCHES_ALL.match(signature):
        signature = _signature_of(value)
    return (signature and _shortened(signature)), (returned and _shortened(returned))


def _signature_of(value: type) -> str:
    """The signature of `__init__`, for a class whose metaclass accepts all parameters."""
    found = inspect.signature(vars(value).get("__init__", value.__init__), bound_method=True)  # type: ignore[misc]
    known = [each for each in found.parameters.values() if each.annotation is not Never]
    return inspect.stringify_signature(
        found.replace(parameters=known, return_annotation=Signature.empty), unqualified_typehints=True
    )


def _shortened(text: str) -> str:
    for pattern, short in SHORT:
        text = re.sub(pattern, short, text)
    return text


def mark_code(app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    """Mark indented lines of a docstring as code. Sphinx calls this for each docstring."""
    del app, what, name, value, options
    for number in range(len(lines) - 1, 0, -1):
        if lines[number].startswith("    ") and not lines[number - 1]:
            before = next((line for line in reversed(lines[:number]) if line), "")
            if not before.startswith((" ", "..")):
                lines[number:number] = [".. code-block:: python", ""]


def warn_of_skipped(app: Sphinx, what: str, name: str, value: Any, skip: bool, options: Any) -> None:
    """Warn if a page names a member that has no description. Sphinx would leave it out silently."""
    del app, value
    members = options.get("members") or ()
    if skip and name in members:
        log.warning("The member %s of a %s has no docstring.", name, what, type="ropewalk", subtype="member")


def link_names(app: Sphinx, document: nodes.document, page: str) -> None:
    """Turn each full name that the reference describes into a link. Sphinx calls this for each page."""
    if app.builder.format != "html":
        return
    described = app.env.domains.python_domain.objects
    for literal in list(document.findall(nodes.literal)):
        name = NAME.match(literal.astext())
        entry = described.get(name[0]) if name else None
        if entry and not _within(literal, (nodes.reference, nodes.title)):
            target = f"{app.builder.get_relative_uri(page, entry.docname)}#{entry.node_id}"
            link = nodes.reference("", "", internal=True, refuri=target)
            literal.replace_self(link)
            link += literal


def keep_units(app: Sphinx, document: nodes.document) -> None:
    """Keep a figure and its unit on one line, in cells that hold nothing else. Sphinx calls this for each page."""
    del app
    for entry in document.findall(nodes.entry):
        if FIGURE.fullmatch(entry.astext()):
            for text in list(entry.findall(nodes.Text)):
                text.parent.replace(text, nodes.Text(text.replace(" ", "\N{NO-BREAK SPACE}")))


def link_codes(app: Sphinx, document: nodes.document, page: str) -> None:
    """Link each error code in running text, and remove links from endpoints. Sphinx calls this for each page."""
    if app.builder.format != "html":
        return
    errors = app.builder.get_relative_uri(page, ERRORS)
    for reference in list(document.findall(nodes.reference)):
        if CODE.fullmatch(reference.astext()) and reference.get("refuri", "").endswith(errors):
            reference["refuri"] = f"{errors}#{reference.astext().lower()}"
        if reference.get("refuri", "").startswith(("tcp:", "unix:")):
            reference.replace_self(list(reference.children))  # docutils takes the description of an endpoint for a URL
    for text in list(document.findall(nodes.Text)):
        if CODE.search(text) and not _within(text, (nodes.reference, nodes.literal_block, nodes.title)):
            text.parent.replace(text, _with_links(text, errors))


def _within(node: nodes.Node, kinds: tuple[type[nodes.Node], ...]) -> bool:
    while node.parent is not None:
        if isinstance(node, kinds):
            return True
        node = node.parent
    return False


def _with_links(text: str, errors: str) -> list[nodes.Node]:
    """Return the pieces of a text, with a link for each error code."""
    pieces: list[nodes.Node] = []
    end = 0
    for code in CODE.finditer(text):
        pieces.append(nodes.Text(text[end : code.start()]))
        pieces.append(nodes.reference("", code[0], internal=True, refuri=f"{errors}#{code[0].lower()}"))
        end = code.end()
    pieces.append(nodes.Text(text[end:]))
    return [piece for piece in pieces if piece.astext()]


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("builder-inited", find_fields)
    app.connect("autodoc-process-signature", shorten)
    app.connect("autodoc-process-docstring", mark_code)
    app.connect("autodoc-skip-member", warn_of_skipped)
    app.connect("doctree-read", keep_units)
    app.connect("doctree-resolved", link_names)
    app.connect("doctree-resolved", link_codes)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
