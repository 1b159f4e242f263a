"""A form with its errors, for a handler that shows the page again with messages."""

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar, get_args, get_origin

from ropewalk.forms import FormData
from ropewalk.typed.form_messages import FormMessages, sentences
from ropewalk.typed.unprocessable_content import FieldError

Model = TypeVar("Model")


class FormErrors(Mapping[str, list[str]]):
    """The messages for the fields of a form: `errors["email"]` is the list of messages for a field.

    The messages under the name "" are about the whole form. A field without errors is absent.
    """

    __slots__ = ("_kind", "_messages", "found")

    def __init__(
        self,
        found: list[FieldError] | tuple[FieldError, ...] = (),
        kind: Any = None,
        messages: FormMessages | None = None,
    ) -> None:
        self.found = tuple(found)
        """The errors that a 422 response would list, with their messages for the authors of clients."""
        self._kind = kind
        self._messages: dict[str, list[str]] = {}
        for name, message in sentences(self.found, kind, messages):
            self.add(name, message)

    def __getitem__(self, name: str) -> list[str]:
        return self._messages[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._messages)

    def __len__(self) -> int:
        return len(self._messages)

    def __repr__(self) -> str:
        return f"FormErrors({self._messages!r})"

    def add(self, name: str, message: str) -> None:
        """Add a message of your own for a field, or for the whole form under the name ""."""
        self._messages.setdefault(name, []).append(message)

    def translate(self, messages: FormMessages) -> None:
        """Replace all messages with those that a function returns, for example in the language of the user. The
        function takes and returns the same as that of `Form(messages=...)`. Call `translate` before `add`, because it
        also removes the messages that `add` has added.
        """
        self._messages.clear()
        for name, message in sentences(self.found, self._kind, messages):
            self.add(name, message)


class Submitted(Generic[Model]):
    """A form that a client has sent, whether or not it is valid: `form: Annotated[Submitted[Booking], Form()]`.

    Without `Submitted`, an invalid form gets 422, and the handler is not called. A malformed form is refused either
    way.
    """

    __slots__ = ("errors", "raw", "value")

    def __init__(self, value: Model | None, errors: FormErrors, raw: FormData) -> None:
        self.value = value
        """The model; None if the form is invalid."""
        self.errors = errors
        """The messages by field; empty if the form is valid."""
        self.raw = raw
        """The fields as the client has sent them, to show them again."""

    def __repr__(self) -> str:
        return f"Submitted(value={self.value!r}, errors={self.errors!r})"


def is_submitted(kind: Any) -> bool:
    """Whether a type is `Submitted`, with or without a model."""
    return kind is Submitted or get_origin(kind) is Submitted


def form_kind(kind: Any) -> Any:
    """The type of a form's model: `Booking` for `Submitted[Booking]`, and the type itself for any other."""
    return get_args(kind)[0] if get_origin(kind) is Submitted else kind
