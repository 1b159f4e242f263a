"""Routes: decorators that add handlers to the resource tree, path patterns, and `url_for`, which returns the path of a
named route."""

from ropewalk.routing.listing import Route, Served, walk, walk_handlers
from ropewalk.routing.matched import matched_route, mounts_on_the_way
from ropewalk.routing.methods_as_routes import delete, get, head, options, patch, post, put, route
from ropewalk.routing.not_found import handler_without_route, matches_no_route
from ropewalk.routing.operation import OperationOptions, tags_given
from ropewalk.routing.patterns import Parameter, Pattern, parse_path
from ropewalk.routing.route_options import MountOptions, RouteOptions
from ropewalk.routing.routes import ROUTED, Routes
from ropewalk.routing.trailing_slash import TrailingSlash, check_trailing_slash

__all__ = [
    "ROUTED",
    "MountOptions",
    "OperationOptions",
    "Parameter",
    "Pattern",
    "Route",
    "RouteOptions",
    "Routes",
    "Served",
    "TrailingSlash",
    "check_trailing_slash",
    "delete",
    "get",
    "handler_without_route",
    "head",
    "matched_route",
    "matches_no_route",
    "mounts_on_the_way",
    "options",
    "parse_path",
    "patch",
    "post",
    "put",
    "route",
    "tags_given",
    "walk",
    "walk_handlers",
]
