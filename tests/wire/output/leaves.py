"""Functions as resources."""

from collections.abc import Callable
from typing import Any

from ropewalk import App, Request, Resource

Render = Callable[[Request], Any]


def leaf_of(app: App) -> Callable[[Render], Render]:
    """Return a decorator that adds a resource with a function as its only method. Its path is the function's name."""

    def leaf(render: Render) -> Render:
        class Leaf(Resource):
            isLeaf = True

            def render_GET(self, request: Request) -> Any:
                return render(request)

        Leaf.render_GET.__qualname__ = render.__name__
        app.mount(f"/{render.__name__}", Leaf())
        return render

    return leaf
