"""Typed handlers: parameters are read according to their names and annotations, and checked before the handler is
called.

A Plan, which has the readers of a handler's inputs, is compiled when the handler's route is registered. Invalid input
gets a 422 that lists every invalid field.
"""

from ropewalk.request.json_types import register_json_reader
from ropewalk.resource import register_planner
from ropewalk.response_types import register_shapes
from ropewalk.typed.after import After
from ropewalk.typed.app_scope import app_scoped_below, open_provider
from ropewalk.typed.dependent_functions import DependentFunction, dependent_on
from ropewalk.typed.depends import Dependencies, DependencyScope, Depends, Provider, all_named, layers_of
from ropewalk.typed.item_streams import ServerSentEvent
from ropewalk.typed.json_requests import read_json_of_request
from ropewalk.typed.markers import Body, Cookie, Form, Header, Path, Query
from ropewalk.typed.outputs import shape_of_body
from ropewalk.typed.overridable import overriding_nothing
from ropewalk.typed.parameter_sources import is_single_value
from ropewalk.typed.patches import JSONPatch, MergePatch
from ropewalk.typed.plan import Plan, body_types, is_typed, plan_for, plan_for_method, with_dependencies
from ropewalk.typed.preconditions import IfMatch, OptionalIfMatch, Precondition
from ropewalk.typed.representations import Produces, all_produced, representations_for
from ropewalk.typed.submitted import FormErrors, Submitted, form_kind
from ropewalk.typed.unprocessable_content import FieldError, InvalidInput

__all__ = [
    "After",
    "Body",
    "Cookie",
    "Dependencies",
    "DependencyScope",
    "DependentFunction",
    "Depends",
    "FieldError",
    "Form",
    "FormErrors",
    "Header",
    "IfMatch",
    "InvalidInput",
    "JSONPatch",
    "MergePatch",
    "OptionalIfMatch",
    "Path",
    "Plan",
    "Precondition",
    "Produces",
    "Provider",
    "Query",
    "ServerSentEvent",
    "Submitted",
    "all_named",
    "all_produced",
    "app_scoped_below",
    "body_types",
    "dependent_on",
    "form_kind",
    "is_single_value",
    "is_typed",
    "layers_of",
    "open_provider",
    "overriding_nothing",
    "plan_for",
    "representations_for",
    "with_dependencies",
]

InvalidInput.__module__ = "ropewalk"  # the package from which users import it
register_shapes(shape_of_body)
register_json_reader(read_json_of_request)
register_planner(plan_for_method)
