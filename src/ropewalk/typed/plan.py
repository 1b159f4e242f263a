"""The plan of a typed handler: compiled at registration, it calls the function with its inputs."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from inspect import Parameter, Signature
from typing import Annotated, Any, Union, get_origin

from ropewalk.request import Request
from ropewalk.resource.handler import Handler, is_async
from ropewalk.typed.annotations import evaluated_signature
from ropewalk.typed.dependencies import call_in_scope, call_with_dependencies, needs_scope
from ropewalk.typed.depends import Dependencies, Depends, Provider
from ropewalk.typed.functions import compiled_readers
from ropewalk.typed.handler_calls import Call, call_with_inputs, finished, finisher, negotiating
from ropewalk.typed.inputs import Input, has_marker_as_default, inputs_of, takes_request
from ropewalk.typed.item_streams import EVENTS
from ropewalk.typed.markers import Body
from ropewalk.typed.outputs import returned_kind, shape_for
from ropewalk.typed.provider_steps import StepsOfHandler, readable
from ropewalk.typed.readers import Reader
from ropewalk.typed.representations import Representations
from ropewalk.typed.value_shapes import Shape, members_of


@dataclass(frozen=True, slots=True)
class Bound:
    """How a handler with dependencies is called inside some apps."""

    call: Call
    inputs: tuple[Input, ...]
    """Those of the handler and of its providers."""
    whole_body: bool
    body_limit: int | None
    of_app: Mapping[Provider, str]
    """The app-scoped providers that it needs, and the name by which each is taken."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a typed handler is called."""

    call: Call
    """Takes the request and returns what the function returns, shaped by its annotation."""
    inputs: tuple[Input, ...]
    """Those of the handler, and of the providers that it names by their functions."""
    whole_body: bool
    """Whether it is called when the body has arrived."""
    body_limit: int | None
    status: int | None
    """The status of a returned value; None for that of its type."""
    returns: Any
    """The type that the function returns by its annotation; `Any` if it does not say."""
    call_of: Callable[[Callable[..., Any]], Call]
    """Takes a function of the same parameters and annotations, and returns `call` for it."""
    representations: Representations | None = None
    """The media types among which a client chooses; None if values are sent in the form of their type."""
    bind_of: Callable[..., Bound] | None = None
    """Takes a function as `call_of` does, and then what `bind` takes. None for a handler without dependencies."""
    bind: Callable[[tuple[Dependencies, ...]], Bound] | None = None
    """Takes the dependencies of the apps around the handler, outermost first. None for a handler without dependencies.

    Raises HandlerError (RW214, RW216, RW217, RW218)."""

    def bound_to(self, function: Callable[..., Any]) -> "Plan":
        """The plan for another function with the same parameters and annotations: a method of another object."""
        bind = None if self.bind_of is None else partial(self.bind_of, function)
        return replace(self, call=self.call_of(function), bind=bind)


def plan_for(
    function: Callable[..., Any],
    names: Collection[str],
    methods: Collection[str],
    status: int | None = None,
    content_type: str | None = None,
    provide: Mapping[str, Depends] | None = None,
    representations: Representations | None = None,
    signature: Signature | None = None,
) -> Plan:
    """Compile a handler of these methods at a path with parameters of these names.

    `provide` are the providers of its route. `signature` is that of the function, if it is evaluated already. Raises
    HandlerError (RW214, RW217, RW218, RW228).
    """
    signature = signature or evaluated_signature(function)
    inputs = inputs_of(function, names, methods, signature)
    shape = shape_for(function, content_type, signature)
    finish = finisher(shape, status, content_type) if representations is None else shape
    negotiate = partial(negotiating, representations, status)
    bind_of = None
    if any(each.source == "dependency" for each in inputs):
        bind_of = partial(
            _bind, names=names, methods=methods, provide=provide or {}, finish=finish, negotiate=negotiate
        )
        inputs = bind_of(function, (), complete=False).inputs
        call_of = partial(_call_outside_apps, bind_of)
    else:
        readers = compiled_readers(function, inputs)
        call_of = partial(_call_of, inputs=inputs, readers=readers, finish=finish, negotiate=negotiate)
    return Plan(
        call=call_of(function),
        inputs=inputs,
        whole_body=_takes_body(inputs) or not is_async(function),
        body_limit=_body_limit(inputs),
        status=status,
        returns=returned_kind(function, signature),
        call_of=call_of,
        representations=representations,
        bind_of=bind_of,
        bind=None if bind_of is None else partial(bind_of, function),
    )


def plan_for_method(method: Callable[..., Any], name: str, content_type: str) -> Plan | None:
    """The plan of a `render_*` function of a resource; None if it takes the request alone and returns what it likes.

    It refers to no resource: call `bound_to` for each. Raises HandlerError (RW214, RW217, RW218, RW228).
    """
    signature = evaluated_signature(method)
    members = members_of(returned_kind(method, signature))
    if int in members:  # NOT_DONE_YET
        others: Any = Union.__getitem__(tuple(each for each in members if each is not int) or (Any,))
        signature = signature.replace(return_annotation=others)
    if not is_typed(method, signature, ()):
        return None
    handled = name.removeprefix("render_") if name != "render" else "POST"  # one that may have a body
    own_type = content_type if content_type == EVENTS else None
    plan = plan_for(method, (), (handled,), content_type=own_type, signature=signature)
    return replace(plan, call=_call_unbound, bind=None)


def _call_unbound(request: Request) -> Any:
    del request
    raise AssertionError("the plan of a method is called before it is bound to a resource")


def _call_of(
    function: Callable[..., Any],
    *,
    inputs: tuple[Input, ...],
    readers: list[Reader],
    finish: Shape | None,
    negotiate: Callable[[Call], Call],
) -> Call:
    return negotiate(finished(function, call_with_inputs(function, inputs, readers), finish))


def _bind(
    function: Callable[..., Any],
    layers: tuple[Dependencies, ...],
    *,
    names: Collection[str],
    methods: Collection[str],
    provide: Mapping[str, Depends],
    finish: Shape | None,
    negotiate: Callable[[Call], Call],
    complete: bool = True,
) -> Bound:
    found = StepsOfHandler(function, names, methods, layers, provide, complete=complete)
    if needs_scope(found.steps):
        call = call_in_scope(found.steps, found.handler, finish)
    else:
        call = finished(function, call_with_dependencies(found.steps, found.handler), finish)
    return Bound(
        call=negotiate(call),
        inputs=readable(found.inputs),
        whole_body=_takes_body(found.inputs) or not is_async(function),
        body_limit=_body_limit(found.inputs),
        of_app=found.of_app.found,
    )


def _call_outside_apps(bind_of: Callable[..., Bound], function: Callable[..., Any]) -> Call:
    def call(request: Request) -> Any:
        return bind_of(function, ()).call(request)

    return call


def _takes_body(inputs: Collection[Input]) -> bool:
    return any(each.source == "body" for each in inputs)


def _body_limit(inputs: Collection[Input]) -> int | None:
    """The smallest limit that an input has for the body."""
    limits = [each.marker.limit for each in inputs if isinstance(each.marker, Body) and each.marker.limit is not None]
    return min(limits, default=None)


def body_types(plan: Plan) -> tuple[str, ...]:
    """The media types of the body that a handler takes; empty if it takes none."""
    return next((each.marker.media_types for each in plan.inputs if isinstance(each.marker, Body)), ())


def with_dependencies(handler: Handler, layers: tuple[Dependencies, ...]) -> Handler:
    """A handler whose plan has dependencies, with the providers of the apps around it. Raises as `Plan.bind`."""
    bound = handler.plan.bind(layers)

    def call_bound(request: Request) -> Any:
        return bound.call(request)

    limit = bound.body_limit if handler.body_limit is None else handler.body_limit
    return replace(handler, call=call_bound, whole_body=bound.whole_body, body_limit=limit)


def is_typed(
    function: Callable[..., Any], signature: Signature, names: Collection[str], status: int | None = None
) -> bool:
    """Whether a handler needs a plan: it takes more than the request and parameters of the path, as they are."""
    if status is not None:
        return True
    parameters = list(signature.parameters.values())
    if not parameters or parameters[0].name in names or parameters[0].kind is Parameter.KEYWORD_ONLY:
        return True
    if any(map(has_marker_as_default, parameters)):
        return True  # which is refused when it is planned
    first, *others = parameters
    if first.annotation is not Parameter.empty and not takes_request(first):
        return True
    for each in others:
        if each.annotation is Parameter.empty or each.kind in (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL):
            continue
        if each.name not in names or get_origin(each.annotation) is Annotated:
            return True
    return shape_for(function, signature=signature) is not None
