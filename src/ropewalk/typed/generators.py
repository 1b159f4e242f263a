"""Open and close providers that are generators: the code up to the `yield` opens them, the code after it closes
them."""

from collections.abc import AsyncGenerator, Generator
from typing import Any

from ropewalk.errors import HandlerError, interrupts, named
from ropewalk.typed.depends import Provider


def open_generator(generator: Generator[Any, Any, Any], provider: Provider) -> Any:
    """Return the value that a generator yields. Raises HandlerError (RW218) if it yields no value."""
    try:
        return next(generator)
    except StopIteration:
        raise _yields_nothing(provider) from None


async def open_async_generator(generator: AsyncGenerator[Any, Any], provider: Provider) -> Any:
    """Return the value that an async generator yields. Raises HandlerError (RW218) if it yields no value."""
    try:
        return await anext(generator)
    except StopAsyncIteration:
        raise _yields_nothing(provider) from None


def close_generator(
    generator: Generator[Any, Any, Any], provider: Provider, error: BaseException | None
) -> BaseException | None:
    """Resume a generator for the last time. If there is an error, throw it into the generator. Return the exception
    that the generator raises, or None.
    """
    trace = None if error is None else error.__traceback__
    try:
        if error is None:
            next(generator)
        else:
            generator.throw(error)
        generator.close()
    except StopIteration:
        return None
    except BaseException as raised:
        if interrupts(raised):
            raise
        return error if _stands_for(raised, error) else raised
    finally:
        if error is not None:
            error.__traceback__ = trace
    return _yields_again(provider)


async def close_async_generator(
    generator: AsyncGenerator[Any, Any], provider: Provider, error: BaseException | None
) -> BaseException | None:
    """Resume an async generator for the last time, as `close_generator` does for a plain generator."""
    trace = None if error is None else error.__traceback__
    try:
        if error is None:
            await anext(generator)
        else:
            await generator.athrow(error)
        await generator.aclose()
    except StopAsyncIteration:
        return None
    except BaseException as raised:
        if interrupts(raised):
            raise
        return error if _stands_for(raised, error) else raised
    finally:
        if error is not None:
            error.__traceback__ = trace
    return _yields_again(provider)


def _stands_for(raised: BaseException, error: BaseException | None) -> bool:
    """Whether a generator has raised the given error again.

    If the error is a StopIteration, the generator raises a RuntimeError with this cause (PEP 479).
    """
    stops = isinstance(error, StopIteration | StopAsyncIteration)
    return raised is error or (stops and isinstance(raised, RuntimeError) and raised.__cause__ is error)


def _yields_nothing(provider: Provider) -> HandlerError:
    return HandlerError("RW218", f"{named(provider)} ended without a yield.")


def _yields_again(provider: Provider) -> HandlerError:
    return HandlerError("RW218", f"{named(provider)} yielded twice.")
