"""Typed handlers: parameters by name and annotation, checked before the handler is called.

A plan is compiled for each handler when its route is registered. Invalid input gets 422, with every field at fault.
"""

from ropewalk.typed.field_errors import FieldError, InvalidInput
from ropewalk.typed.inputs import is_single_value
from ropewalk.typed.item_streams import ServerSentEvent
from ropewalk.typed.markers import Body, Cookie, Header, Path, Query
from ropewalk.typed.plan import Plan, is_typed, plan_for

__all__ = [
    "Body",
    "Cookie",
    "FieldError",
    "Header",
    "InvalidInput",
    "Path",
    "Plan",
    "Query",
    "ServerSentEvent",
    "is_single_value",
    "is_typed",
    "plan_for",
]

for _class in (Body, Cookie, FieldError, Header, InvalidInput, Path, Query, ServerSentEvent):
    _class.__module__ = "ropewalk"  # the name that users import
