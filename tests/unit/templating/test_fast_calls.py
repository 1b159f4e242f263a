"""Ropewalk's faster subclasses of Jinja's classes make the same pages as Jinja's classes."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from jinja2 import DictLoader, Environment, pass_context, pass_environment, pass_eval_context
from markupsafe import Markup

from ropewalk.templating import TemplateError, Templates, TemplatesOptions

TEXT = "<b>&'\""


class Guest:
    """An object with a method and its own `__html__`."""

    name = TEXT

    def greeting(self, *, loud: bool = False) -> str:
        return f"<{self.name}>" + "!" * loud

    def __html__(self) -> str:
        return "<i>guest</i>"


class Counting:
    """A callable object."""

    def __call__(self, *given: Any) -> str:
        return f"<{len(given)}>"


class Contextual:
    """A callable object that wants the context."""

    @pass_context
    def __call__(self, context: Any, text: str) -> str:
        return f"<{context['number']}>{text}"


@pass_context
def of_context(context: Any, text: str) -> str:
    return f"{context['number']}{text}"


@pass_eval_context
def of_eval_context(context: Any) -> str:
    return str(context.autoescape)


@pass_environment
def of_environment(environment: Environment) -> str:
    return str(environment.autoescape is not None)


def ending() -> str:
    raise StopIteration


VALUES: dict[str, Any] = {
    "text": TEXT,
    "number": 7,
    "price": 1.5,
    "nothing": None,
    "safe": Markup("<b>"),
    "guest": Guest(),
    "rooms": [{"name": "<1>"}, {"name": "2"}],
    "counting": Counting(),
    "contextual": Contextual(),
    "of_context": of_context,
    "of_eval_context": of_eval_context,
    "of_environment": of_environment,
    "partial": partial(of_context, {"number": 1}),
    "upper": str.upper,
    "kind": int,
}
SOURCES = [
    "{{ text }}{{ number }}{{ price }}{{ nothing }}{{ safe }}{{ guest }}",
    "{{ text|e }}{{ text|safe }}{{ text ~ safe }}{{ [text, safe]|join }}{{ text|upper }}",
    "{{ guest.greeting() }}{{ guest.greeting(loud=True) }}{{ guest.name }}",
    "{{ counting(1, 2) }}{{ contextual(text) }}{{ of_context(text) }}{{ of_eval_context() }}{{ of_environment() }}",
    "{{ partial(text) }}{{ upper(text) }}{{ kind('4') }}",
    "{% for room in rooms %}{{ loop.cycle('odd', 'even') }}{{ room.name }}{{ of_context(room.name) }}{% endfor %}",
    "{% macro one(room) %}<p>{{ room }}{{ caller() }}</p>{% endmacro %}{% call one(text) %}{{ text }}{% endcall %}",
    "{% set block %}<b>{{ text }}</b>{% endset %}{{ block }}{{ block|length }}{{ block ~ text }}",
    "{% filter upper %}{{ text }}{% endfilter %}",
    "{% autoescape false %}{{ text }}{{ safe }}{{ guest }}{% endautoescape %}{{ text }}",
    "{% include 'part.html' %}{% import 'macros.html' as macros %}{{ macros.shown(text) }}",
    "{% extends 'base.html' %}{% block content %}{{ super() }}{{ text }}{{ self.title() }}{% endblock %}",
    "{{ '%s'|format(text) }}{{ text.replace('<', '>') }}{{ safe.join([text]) }}",
]
FILES = {
    "part.html": "<p>{{ text }}{{ number }}</p>",
    "macros.html": "{% macro shown(it) %}<p>{{ it }}</p>{% endmacro %}",
    "base.html": "{% block title %}{{ text }}{% endblock %}{% block content %}<{{ number }}>{% endblock %}",
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("autoescaped", [True, False])
def test_a_page_is_the_same(source: str, autoescaped: bool) -> None:
    name = "page.html" if autoescaped else "page.txt"
    loader = DictLoader({**FILES, name: source})
    plain = Environment(loader=loader, autoescape=lambda each: each is None or not each.endswith(".txt"))
    expected = plain.get_template(name).render(VALUES)
    templates = Templates(loader)
    assert templates.text(name, **VALUES) == expected
    assert templates.environment.get_template(name).render(VALUES) == expected
    awaiting = Templates(loader, TemplatesOptions(enable_async=True))
    assert awaiting.environment.get_template(name).render(VALUES) == expected


def test_templates_use_the_faster_ways() -> None:
    templates = Templates(DictLoader({"page.html": "{{ text }}"}))
    template = templates.environment.get_template("page.html")
    assert type(template).__name__ == "FastTemplate"
    assert type(template.new_context()).__name__ == "FastContext"
    assert type(template.root_render_func.__globals__["escape"]).__name__ == "HTMLEscape"


def functions() -> list[Callable[[], str]]:
    class Ending:
        end = staticmethod(ending)

        def method(self) -> str:
            return ending()

    return [ending, Ending.end, Ending().method]


@pytest.mark.parametrize("function", functions())
def test_a_function_that_raises_stop_iteration_has_no_value(function: Callable[[], str]) -> None:
    templates = Templates(DictLoader({"page.html": "{{ function() }}"}))
    with pytest.raises(TemplateError, match="RW293 .*:1: value was undefined because a callable raised"):
        templates.text("page.html", function=function)
