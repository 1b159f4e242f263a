"""Flags that are also environment variables and TOML keys."""

from collections.abc import Callable
from math import isnan, nan
from typing import Any, Final, TypeVar

import click
from click.core import ParameterSource

from ropewalk.cli.error import CLIError
from ropewalk.suggest import did_you_mean

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

SETTINGS = "ropewalk.settings"
"""The key of a command's `Settings` in click's `Context.meta`."""

FLAG = "flag"
ENVIRONMENT = "environment"


class _Sourced(click.Parameter):
    """A parameter whose error messages name the place where its value was set."""

    def get_error_hint(self, ctx: click.Context | None) -> str:
        if not self.name or not ctx:
            return super().get_error_hint(ctx)
        return source_elsewhere(self.name, ctx) or f"'{source_of(self.name, ctx)}'"

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        in_toml = ctx.get_parameter_source(self.name or "") is ParameterSource.DEFAULT_MAP
        try:
            return super().type_cast_value(ctx, self._of_toml(ctx, value) if in_toml else value)
        except click.BadParameter as error:
            message = error.message
            if getattr(self, "is_flag", False) and not in_toml:  # click would list an empty text as an allowed value
                message = f"{value!r} is not a boolean: use 1, true, yes or on; or 0, false, no or off."
            if in_toml:  # a BadParameter shows the usage of the command, which does not help here
                raise CLIError("RW422", f"{source_of(self.name or '', ctx)}: {message}") from error
            raise click.BadParameter(message, ctx, self) from error

    def _of_toml(self, context: click.Context, value: Any) -> Any:
        """The value from TOML. Raises BadParameter for a value of a wrong type, because click would convert it."""
        wrong = ""
        if getattr(self, "multiple", False):
            value = [value] if isinstance(value, str) else value
            if not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
                wrong = "a string nor a list of strings"
        elif getattr(self, "is_flag", False):
            wrong = "" if isinstance(value, bool) else "true nor false"
        elif isinstance(self.type, click.types.IntParamType):
            wrong = "" if isinstance(value, int) and not isinstance(value, bool) else "a whole number"
        elif isinstance(self.type, click.types.FloatParamType):
            wrong = "" if isinstance(value, int | float) and not isinstance(value, bool) else "a number"
        elif not isinstance(value, str):
            wrong = "a string"
        if wrong:
            verb = "is neither" if " nor " in wrong else "is not"
            raise click.BadParameter(f"{value!r} {verb} {wrong}.", context, self)
        return value


class _Option(_Sourced, click.Option):
    """A flag of a command."""


class _Argument(_Sourced, click.Argument):
    """An argument of a command."""


def source_of(name: str, context: click.Context | None = None, *, like: str | None = None) -> str:
    """The place where a setting was set, for messages: `--port`, `ROPEWALK_PORT`, `port in ropewalk.toml`.

    With `like`, return where this setting can be set in the same way as the setting `like` was set: as a flag, in the
    environment or in TOML.
    """
    context = context or click.get_current_context(silent=True)
    parameters = context.command.params if context else []
    variable = next((each.envvar for each in parameters if each.name == name), None)
    match context and context.get_parameter_source(like or name):
        case ParameterSource.ENVIRONMENT if variable:
            return f"{variable}"
        case ParameterSource.DEFAULT_MAP:
            assert context is not None
            return f"{name} in {context.meta[SETTINGS].source}"
    argument = any(each.name == name and isinstance(each, click.Argument) for each in parameters)
    return name.upper() if argument else f"--{name.replace('_', '-')}"


def is_set(name: str, context: click.Context | None = None) -> bool:
    """Whether a setting was set anywhere, even to its default. False outside of a command."""
    context = context or click.get_current_context(silent=True)
    return context is not None and context.get_parameter_source(name) not in (None, ParameterSource.DEFAULT)


def source_elsewhere(name: str, context: click.Context | None = None) -> str | None:
    """The place where a setting was set, as `source_of` returns it.

    None if it was set on the command line, or not at all.
    """
    context = context or click.get_current_context(silent=True)
    sources = (ParameterSource.ENVIRONMENT, ParameterSource.DEFAULT_MAP)
    return source_of(name, context) if context and context.get_parameter_source(name) in sources else None


ELSEWHERE: Final = {
    ("tls", "ssl", "https", "cert", "certfile", "keyfile", "ssl-certfile", "ssl-keyfile", "tls-cert"): (
        "For HTTPS, use --tls-certificate and --tls-key, or --tls-self-signed for development."
    ),
    ("bind", "address", "endpoint"): "Use --host and --port, or --listen with an endpoint such as tcp:8080.",
    ("uds", "unix", "socket"): "Use --listen unix:/run/app.sock.",
    ("reload", "autoreload"): "`ropewalk dev` starts again when files change, without a flag.",
    ("workers", "worker", "processes"): (
        "A server is one process. Start several on one port, each with --listen tcp:8080:reusePort=yes, with a "
        "supervisor such as systemd."
    ),
    ("access-logformat", "access-log-format", "log-config"): (
        "Use --access-log-template for the lines of the access log, and --log-format for the log."
    ),
    ("fd", "systemd"): "Use --listen fd:3 or --listen systemd:domain=INET:index=0.",
}
"""Advice for flags that other servers have."""


class Command(click.Command):
    """A command. The error for an unknown flag suggests a similar one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise click.UsageError(
                f"No such option {error.option_name!r}.{self._meant(error.option_name)}", ctx
            ) from None

    def _meant(self, name: str) -> str:
        word = name.lstrip("-").lower()
        for names, advice in ELSEWHERE.items():
            if word in names:
                return f" {advice}"
        known = [
            each[2:]
            for parameter in self.params
            for each in (*parameter.opts, *parameter.secondary_opts)
            if each[:2] == "--"
        ]
        # Flags are compared without their dashes, because the dashes would make all flags similar.
        meant = did_you_mean(word, [*known, "help"])
        return meant.replace("mean ", "mean --")


def flag(name: str, *names: str, **attributes: Any) -> Callable[[Decorated], Decorated]:
    """A click option that is also an environment variable: `--log-level` is `ROPEWALK_LOG_LEVEL`."""
    variable = "ROPEWALK_" + name.partition("/")[0].removeprefix("--").replace("-", "_").upper()
    options: dict[str, Any] = {"cls": _Option, "envvar": variable, "show_envvar": True, "show_default": True}
    return click.option(name, *names, **options | attributes)


def half_close_flag(command: Decorated) -> Decorated:
    """Add the flag `--half-close` to a command."""
    return flag(
        "--half-close/--no-half-close",
        default=False,
        show_default=False,
        help="Let clients close their sending side and wait for their responses.",
    )(command)


def argument(name: str, **attributes: Any) -> Callable[[Decorated], Decorated]:
    """A click argument that is also an environment variable and a TOML key."""
    return click.argument(name, cls=_Argument, envvar=f"ROPEWALK_{name.upper()}", **attributes)


class WholeNumber(click.IntRange):
    """The type of a flag whose value is an int within bounds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            int(value)
        except ValueError:
            self.fail(f"{value!r} is not a whole number.", param, ctx)
        return super().convert(value, param, ctx)


class Seconds(click.FloatRange):
    """The type of a flag whose value is a number of seconds within bounds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            number = float(value)
        except ValueError:
            number = nan
        if isnan(number):
            self.fail(f"{value!r} is not a number of seconds.", param, ctx)
        return super().convert(value, param, ctx)


class _TargetType(click.types.StringParamType):
    """The type of TARGET. If TARGET is missing, the error message names every place where it can be set."""

    def get_missing_message(self, *_: Any, **__: Any) -> str:
        return 'Give it here, in ROPEWALK_TARGET, or in ropewalk.toml: target = "hello.py"'


def target_argument(command: Decorated) -> Decorated:
    """Add the argument TARGET, which names the object to serve, to a command."""
    return argument("target", type=_TargetType())(command)
