"""Renders a template, as a whole or in parts."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ropewalk.request import Request
from ropewalk.templating.errors import as_template_error, missing_block
from ropewalk.templating.page_functions import rendered_request

if TYPE_CHECKING:
    from jinja2 import Environment

PART: Final = 8192
"""The minimum number of characters in each part of a streamed page, except the last. Smaller parts would cost more to
send than to render.
"""


@dataclass(slots=True)
class Rendering:
    """A template with the names that it gets. `block` is the only block to render; None for the whole page."""

    environment: "Environment"
    name: str
    names: Mapping[str, Any]
    request: Request | None = None
    block: str | None = None

    def text(self) -> str:
        """Render the template. Raises TemplateError."""
        token = rendered_request.set(self.request)
        try:
            return "".join(self._pieces())
        except Exception as error:  # noqa: BLE001 - raised again
            self._explain(error)
        finally:
            rendered_request.reset(token)

    async def async_text(self) -> str:
        """Render the template with an asynchronous environment."""
        return "".join([part async for part in self.async_parts()])

    def parts(self) -> Iterator[str]:
        """Render the template in parts. Each part is rendered when the caller takes it."""
        pieces: Iterator[str] | None = None
        more = True
        while more:
            part: list[str] = []
            size = 0
            token = rendered_request.set(self.request)
            try:
                if pieces is None:
                    pieces = iter(self._pieces())
                more = False
                for piece in pieces:
                    part.append(piece)
                    size += len(piece)
                    if size >= PART:
                        more = True
                        break
            except Exception as error:  # noqa: BLE001 - raised again
                self._explain(error)
            finally:
                rendered_request.reset(token)
            if part:
                yield "".join(part)

    async def async_parts(self) -> AsyncIterator[str]:
        """Like `parts`, with an asynchronous environment."""
        pieces: AsyncIterator[str] | None = None
        more = True
        while more:
            part: list[str] = []
            size = 0
            rendered_request.set(self.request)
            try:
                if pieces is None:
                    pieces = aiter(self._pieces())
                more = False
                async for piece in pieces:
                    part.append(piece)
                    size += len(piece)
                    if size >= PART:
                        more = True
                        break
            except Exception as error:  # noqa: BLE001 - raised again
                self._explain(error)
            finally:
                rendered_request.set(None)  # without a token, because the generator may be closed in another context
            if part:
                yield "".join(part)

    def compile(self) -> None:
        """Compile the template. Raises TemplateError (RW292, RW294)."""
        try:
            self.environment.get_template(self.name)
        except Exception as error:  # noqa: BLE001 - raised again
            self._explain(error)

    def _pieces(self) -> Any:
        """The pieces of the text: an iterator, or an async iterator with an asynchronous environment."""
        template = self.environment.get_template(self.name)
        function: Callable[[Any], Any] = template.root_render_func
        if self.block is not None:
            if self.block not in template.blocks:
                raise missing_block(self.name, self.block, template.blocks)
            function = template.blocks[self.block]
        return function(template.new_context(dict(self.names)))

    def _explain(self, error: Exception) -> NoReturn:
        """Raise an exception again: as a TemplateError if it is of Jinja, otherwise with the lines of templates in its
        traceback.
        """
        try:
            self.environment.handle_exception()
        except Exception as shown:
            known = as_template_error(shown, self.environment, self.names)
            if known is None:
                raise
            raise known from shown
        raise error
