"""Resources, the tree that they form, and the search for the handler of a path.

A path is split at its slashes, and each segment names a child: "/rooms/7" is the child "7" of the child "rooms" of the
root. "/rooms/" is the child "" of "rooms", and "/" is the child "" of the root. At each resource the search tries, in
this order:

1. the resource itself if it is a leaf, which takes the rest of the path;
2. the static child with the segment's name;
3. captures (children that match many names), the one with the most specific converter first;
4. `getChild`, if the class defines it;
5. the resource that is mounted there.

If a branch has no handler for the method, the search goes back and tries the next one. So "/rooms/{id}" handles a POST
to "/rooms/free" if "/rooms/free" has only a handler for GET.
"""

from ropewalk.resource.adapters import is_twisted, register_adapter
from ropewalk.resource.allowed_methods import methods_of, not_allowed, options_response
from ropewalk.resource.handler import (
    Handler,
    add_middleware,
    added_middleware,
    attached_handler,
    check_middleware,
    check_middlewares,
    is_async,
)
from ropewalk.resource.handlers_below import handlers_below
from ropewalk.resource.hosted import BODY_LIMIT, Hosted, check_body_limit, hosted_below
from ropewalk.resource.method_lookup import handler_of, own_handler_of
from ropewalk.resource.path_segments import split_path
from ropewalk.resource.redirects import redirect_to_path
from ropewalk.resource.rendering import register_planner
from ropewalk.resource.search import Found, Search
from ropewalk.resource.tree import (
    NOT_DONE_YET,
    Node,
    Owner,
    Resource,
    as_resource,
    claim,
    node_of,
    resource_of,
)

__all__ = [
    "BODY_LIMIT",
    "NOT_DONE_YET",
    "Found",
    "Handler",
    "Hosted",
    "Node",
    "Owner",
    "Resource",
    "Search",
    "add_middleware",
    "added_middleware",
    "as_resource",
    "attached_handler",
    "check_body_limit",
    "check_middleware",
    "check_middlewares",
    "claim",
    "handler_of",
    "handlers_below",
    "hosted_below",
    "is_async",
    "is_twisted",
    "methods_of",
    "node_of",
    "not_allowed",
    "options_response",
    "own_handler_of",
    "redirect_to_path",
    "register_adapter",
    "register_planner",
    "resource_of",
    "split_path",
]
