"""Errors of the tree and its routes: codes RW1xx."""

from typing import Final

from ropewalk.errors.catalogue.entry import Entry

ROUTES: Final = (
    Entry("RW101", "A path pattern is malformed.", 'Write it as "/users/{id}" or "/users/{id:int}".'),
    Entry("RW102", "A path pattern names an unknown converter.", "Use str, int, float, uuid or path, or register it."),
    Entry("RW103", "Two parameters of a path have the same name.", "Give each parameter a different name."),
    Entry(
        "RW104",
        "A method and path are registered twice.",
        "Give one of the routes another path or method, or mount its app under a prefix.",
    ),
    Entry("RW105", "An object in the tree is not a resource.", "Derive its class from ropewalk.Resource."),
    Entry(
        "RW106", "The name of a child is not one segment of a path.", "Add a child for each segment, or use App.mount."
    ),
    Entry(
        "RW107",
        "`url_for` was called with a name that no route has, or that several routes have.",
        "Give each route its own name with `name=`.",
    ),
    Entry(
        "RW108",
        "`url_for` was called with parameters that do not fit the path.",
        "Give exactly the parameters that the path names, with values that their converters accept.",
    ),
    Entry("RW109", "A route is declared with invalid methods.", 'Write `@app.route("/", methods=["GET"])`.'),
    Entry("RW110", "The folder of Files does not exist.", "Name an existing folder. It may be empty."),
    Entry(
        "RW111",
        "An app or a Routes object is mounted in itself, or in an app or Routes object that is mounted in it.",
        "Mount an app only in apps that are not mounted in it. Put routes that two apps need into a third app.",
    ),
)
