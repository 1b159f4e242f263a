"""The Plan of a typed handler. It is compiled when the route is registered, and calls the function with its inputs."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from inspect import Parameter, Signature
from typing import Annotated, Any, Union, get_origin

from ropewalk.request import Request
from ropewalk.resource.handler import Handler, is_async
from ropewalk.typed.annotations import evaluated_signature, without_alias
from ropewalk.typed.dependencies import call_in_scope, call_with_dependencies, needs_scope
from ropewalk.typed.depends import Dependencies, Depends, Provider
from ropewalk.typed.form_readers import form_limits, parsing_form
from ropewalk.typed.functions import compiled_readers
from ropewalk.typed.handler_calls import Call, call_with_inputs, finish_named, finished, finisher, negotiating
from ropewalk.typed.item_streams import EVENTS
from ropewalk.typed.markers import Body
from ropewalk.typed.outputs import returned_kind, shape_for
from ropewalk.typed.parameter_sources import Input, has_marker_as_default, inputs_of, takes_request
from ropewalk.typed.provider_steps import Asked, StepsOfHandler, readable
from ropewalk.typed.readers import Reader
from ropewalk.typed.representations import Representations
from ropewalk.typed.request_reads import READS, Reads, reads_of
from ropewalk.typed.value_shapes import Shape, members_of


@dataclass(frozen=True, slots=True)
class Bound:
    """How to call a handler with dependencies, inside the apps from which its providers come."""

    call: Call
    inputs: tuple[Input, ...]
    """The inputs of the handler and of its providers."""
    whole_body: bool
    body_limit: int | None
    of_app: Mapping[Provider, str]
    """The app-scoped providers that the handler needs, each with the name under which it is used."""
    asked: Collection[Asked]
    """The dependencies that the handler and its providers name."""
    reads: Reads
    """The header fields and cookies that the handler and its providers read."""


@dataclass(slots=True, eq=False)
class Plan:
    """How to call a typed handler. It does not change after it is made."""

    call: Call
    """A function that takes the request, calls the user's function, and returns its result, converted to the return
    annotation."""
    inputs: tuple[Input, ...]
    """The inputs of the handler, and of the providers that it names by their functions."""
    whole_body: bool
    """Whether `call` is called when the whole body has arrived, instead of after the head."""
    body_limit: int | None
    status: int | None
    """The status for returned values; None for the default of the value's type."""
    returns: Any
    """The return annotation of the function; `Any` if there is none."""
    readers: tuple[Reader, ...]
    """The readers of the inputs; empty for a handler with dependencies."""
    finish: Shape | None
    """The function that converts a returned value; None if values are sent unchanged."""
    representations: Representations | None = None
    """The media types that the client may choose; None if the type of the value determines the media type."""
    bind_of: Callable[..., Bound] | None = None
    """Like `bind`, but its first argument is another function with the same parameters and annotations. None for a
    handler without dependencies."""
    bind: Callable[[tuple[Dependencies, ...]], Bound] | None = None
    """A function that takes the `Dependencies` of the apps around the handler, outermost first, and returns a Bound.
    None for a handler without dependencies. It raises HandlerError (RW214, RW216, RW217, RW218)."""

    def bound_to(self, function: Callable[..., Any]) -> "Plan":
        """The plan for another function with the same parameters and annotations, such as the method of another
        object."""
        if self.bind_of is not None:
            return replace(self, call=_call_outside_apps(self.bind_of, function), bind=partial(self.bind_of, function))
        call = parsing_form(self.inputs, call_with_inputs(function, self.inputs, self.readers, self.finish))
        return replace(self, call=negotiating(self.representations, self.status, call))


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
    """Compile the Plan of a handler for `methods` at a path whose parameters are in `names`.

    `provide` has the providers of the route. `signature` is the function's signature, if the caller has evaluated it
    already. Raises HandlerError (RW214, RW217, RW218, RW228).
    """
    signature = signature or evaluated_signature(function)
    inputs = inputs_of(function, names, methods, signature)
    returns = returned_kind(function, signature)
    shape = shape_for(function, content_type, signature)
    finish = finisher(shape, status, content_type) if representations is None else shape
    bind_of = None
    readers: tuple[Reader, ...] = ()
    if "dependency" in [each.source for each in inputs]:
        negotiate = partial(negotiating, representations, status)
        bind_of = partial(
            _bind, names=names, methods=methods, provide=provide or {}, finish=finish, negotiate=negotiate
        )
        inputs = bind_of(function, (), complete=False).inputs
        call = _call_outside_apps(bind_of, function)
    else:
        readers = compiled_readers(function, inputs)
        read_and_call = parsing_form(inputs, call_with_inputs(function, inputs, readers, finish))
        call = negotiating(representations, status, read_and_call)
    return Plan(
        call=call,
        inputs=inputs,
        whole_body=_takes_whole_body(function, inputs),
        body_limit=_body_limit(inputs),
        status=status,
        returns=returns,
        readers=readers,
        finish=finish,
        representations=representations,
        bind_of=bind_of,
        bind=None if bind_of is None else partial(bind_of, function),
    )


def plan_for_method(method: Callable[..., Any], name: str, content_type: str) -> Plan | None:
    """The Plan of a resource's `render_*` method; None if the method takes only the request and has no annotated return
    type.

    The plan does not refer to a resource: call `bound_to` for each resource. Raises HandlerError (RW214, RW217, RW218,
    RW228).
    """
    signature = evaluated_signature(method)
    members = members_of(returned_kind(method, signature))
    if int in members:  # NOT_DONE_YET is an int
        others: Any = Union.__getitem__(tuple(each for each in members if each is not int) or (Any,))
        signature = signature.replace(return_annotation=others)
    if not is_typed(method, signature, ()):
        return None
    handled = name.removeprefix("render_") if name != "render" else "POST"  # POST stands for any method with a body
    own_type = content_type if content_type == EVENTS else None
    plan = plan_for(method, (), (handled,), content_type=own_type, signature=signature)
    return replace(plan, call=_call_unbound, bind=None)


def _call_unbound(request: Request) -> Any:
    del request
    raise AssertionError("the plan of a method is called before it is bound to a resource")


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
        named = None if finish is None else partial(finish_named, function, finish)
        call = call_in_scope(found.steps, found.handler, named)
    else:
        call = finished(function, call_with_dependencies(found.steps, found.handler), finish)
    return Bound(
        call=negotiate(parsing_form(found.inputs, call)),
        inputs=readable(found.inputs),
        whole_body=_takes_whole_body(function, found.inputs),
        body_limit=_body_limit(found.inputs),
        of_app=found.of_app.found,
        asked=found.asked,
        reads=reads_of(found.inputs, anything=found.provider_takes_request),
    )


def _call_outside_apps(bind_of: Callable[..., Bound], function: Callable[..., Any]) -> Call:
    def call(request: Request) -> Any:
        return bind_of(function, ()).call(request)

    return call


def _takes_whole_body(function: Callable[..., Any], inputs: Collection[Input]) -> bool:
    """Whether a handler is called when the whole body has arrived: it takes the body, or is a plain function without a
    form. A form is parsed while it arrives.
    """
    sources = {each.source for each in inputs}
    return "body" in sources or not (is_async(function) or "form" in sources)


def _body_limit(inputs: Collection[Input]) -> int | None:
    """The smallest limit that markers set for the request body; None if there is no such limit."""
    limits = [
        each.marker.body_limit
        for each in inputs
        if isinstance(each.marker, Body) and each.marker.body_limit is not None
    ]
    of_form = form_limits(inputs)
    if of_form is not None and of_form.body_limit is not None:
        limits.append(of_form.body_limit)
    return min(limits, default=None)


def body_types(plan: Plan) -> tuple[str, ...]:
    """The media types of the request body that a handler accepts; empty if it takes no body."""
    return next((each.marker.media_types for each in plan.inputs if isinstance(each.marker, Body)), ())


def with_dependencies(handler: Handler, layers: tuple[Dependencies, ...]) -> Handler:
    """A copy of a handler with dependencies, bound to the providers of the apps around it.

    Raises the errors of `Plan.bind`.
    """
    bound = handler.plan.bind(layers)

    def call_bound(request: Request) -> Any:
        return bound.call(request)

    setattr(call_bound, READS, bound.reads)
    limit = bound.body_limit if handler.body_limit is None else handler.body_limit
    return replace(handler, call=call_bound, whole_body=bound.whole_body, body_limit=limit)


def is_typed(
    function: Callable[..., Any], signature: Signature, names: Collection[str], status: int | None = None
) -> bool:
    """Whether a handler needs a plan: it takes more than the request and path parameters, returns an annotated type, or
    has a status.
    """
    if status is not None:
        return True
    parameters = list(signature.parameters.values())
    if not parameters or parameters[0].name in names or parameters[0].kind is Parameter.KEYWORD_ONLY:
        return True
    if any(map(has_marker_as_default, parameters)):
        return True  # `plan_for` then raises the error for this default
    first, *others = parameters
    if first.annotation is not Parameter.empty and not takes_request(first):
        return True
    for each in others:
        annotation = each.annotation
        if annotation is Parameter.empty or each.kind in (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL):
            continue
        if each.name not in names:
            return True
        if not isinstance(annotation, type) and get_origin(without_alias(annotation)) is Annotated:
            return True
    return shape_for(function, signature=signature) is not None
