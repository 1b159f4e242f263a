"""The command `ropewalk openapi TARGET`."""

from importlib import import_module
from typing import Any

import click
import msgspec

from ropewalk import App, OpenAPI
from ropewalk.cli.error import CLIError
from ropewalk.cli.flags import Command, flag, target_argument
from ropewalk.cli.hosting import hosting_flags, hosting_of
from ropewalk.cli.settings_precedence import config_flag
from ropewalk.cli.target import load_target
from ropewalk.errors import RopewalkError, install_remedy
from ropewalk.openapi import encode_document
from ropewalk.resource import as_resource
from ropewalk.server import install_reactor


@click.command(cls=Command)
@target_argument
@flag("--yaml", is_flag=True, help="Print YAML instead of JSON. This needs the extra `openapi`.")
@hosting_flags
@config_flag
def openapi(target: str, yaml: bool, **flags: Any) -> None:
    """Print the API description (OpenAPI 3.1) of TARGET.

    It also works if TARGET does not publish the description. The options in `app.openapi` apply.
    """
    install_reactor()
    found = load_target(target, hosting_of(flags, {}))
    options = found.value.openapi if isinstance(found.value, App) else None
    try:
        document = encode_document(as_resource(found.value), options or OpenAPI(found.name, "0.0.0"))
    except RopewalkError as error:
        raise CLIError(error.code, f"{error.message} {error.remedy}") from error
    click.echo(_yaml(document) if yaml else msgspec.json.format(document, indent=2).decode(), nl=not yaml)


def _yaml(document: bytes) -> str:
    try:
        module: Any = import_module("yaml")
    except ImportError as error:
        what = f"--yaml needs PyYAML, which is not installed. {install_remedy('openapi')}"
        raise CLIError("RW750", what) from error
    text: str = module.safe_dump(msgspec.json.decode(document), sort_keys=False, allow_unicode=True)
    return text
