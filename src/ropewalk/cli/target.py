"""Find and import what the user wants served.

A target is a file (`hello.py`), a package's directory (`hotel/`) or a module (`hotel.web`), with or without the name
in it (`hello.py:app`). Without a name, `app`, `site` and `root` are tried, then the only servable thing in the module;
where an application is to be hosted, `app` and `application`.
"""

import importlib
import importlib.util
import pkgutil
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType, TracebackType

from ropewalk import App, Resource, Site
from ropewalk.cli.failure import Failure
from ropewalk.cli.flags import source_elsewhere
from ropewalk.cli.hosting import Hosting, likely_interface
from ropewalk.errors import full_name
from ropewalk.resource import as_resource, is_twisted
from ropewalk.suggest import did_you_mean

Servable = App | Resource | Site

CUSTOMARY_NAMES = ("app", "site", "root")
APPLICATION_NAMES = ("app", "application")


@dataclass(frozen=True, slots=True)
class Target:
    """Something to serve and where it was found."""

    value: Servable
    name: str
    """As a user would write it: `hello.py:app`."""


def load_target(text: str, hosting: Hosting | None = None) -> Target:
    """Import what `text` names. Raises `Failure`, with a suggestion or with the traceback in the user's module."""
    try:
        return _load(text, hosting)
    except Failure as error:
        source = source_elsewhere("target")
        raise Failure(error.code, f"{source}: {error.message}") if source else error from error.__cause__


def _load(text: str, hosting: Hosting | None) -> Target:
    place, _, name = text.partition(":")
    module = _import(place, _locate_path(Path(place)) if _is_path(place) else _locate_module(place))
    if hosting is None or hosting.interface is None:
        name = name or _only_servable(module, place)
        servable = _servable(_attribute(module, place, name), f"{place}:{name}")
    else:
        name = name or _application(module, place)
        servable = hosting.host(_attribute(module, place, name), f"{place}:{name}")
    return Target(servable, f"{place}:{name}")


def _is_path(place: str) -> bool:
    return place.endswith(".py") or "/" in place or Path(place).is_dir()


def _locate_path(path: Path) -> Callable[[], ModuleType]:
    if not path.exists():
        raise Failure("RW411", f"There is no file {path}.{_similar_file(path)}")
    if path.is_dir() and not (path / "__init__.py").exists():
        raise Failure("RW411", f"{path} is not a package. To serve its files: ropewalk static {path}")
    path = path.resolve()
    if path.is_file() and not (path.parent / "__init__.py").exists():
        _search_first(path.parent)
        return partial(_load_file, path)
    folder = path if path.is_dir() else path.parent
    parts = [] if path.is_dir() or path.stem == "__init__" else [path.stem]
    while (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    _search_first(folder)
    return partial(importlib.import_module, ".".join(parts))


def _load_file(path: Path) -> ModuleType:
    """Import a file that is in no package. It may bear the name of an imported module, such as `site.py`."""
    name = path.stem if path.stem not in sys.modules else f"target:{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Failure("RW411", f"{path} is not a Python file.")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _locate_module(name: str) -> Callable[[], ModuleType]:
    if not all(part.isidentifier() for part in name.split(".")):
        raise Failure("RW412", f"{name!r} is neither a file nor the name of a module.")
    _search_first(Path.cwd())
    return partial(importlib.import_module, name)


def _import(place: str, load: Callable[[], ModuleType]) -> ModuleType:
    try:
        return load()
    except Failure:
        raise
    except ModuleNotFoundError as error:
        if error.name and f"{place}.".startswith(f"{error.name}."):
            raise Failure("RW412", f"There is no module {error.name}.{_similar_module(error.name)}") from error
        raise _broken(place, error) from error
    except Exception as error:
        raise _broken(place, error) from error


def _broken(place: str, error: Exception) -> Failure:
    """A failure that shows the user's frames only, not the ones by which we came there."""
    users = _first_frame_of_user(error.__traceback__)
    lines = traceback.format_exception(type(error), error, users)
    return Failure("RW415", f"{place} cannot be imported.\n{''.join(lines).rstrip()}")


def _first_frame_of_user(frames: TracebackType | None) -> TracebackType | None:
    ours = str(Path(__file__).parent)
    while frames:
        file = frames.tb_frame.f_code.co_filename
        if not file.startswith((ours, "<frozen importlib")) and Path(file).parent.name != "importlib":
            break
        frames = frames.tb_next
    return frames


def _search_first(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _similar_file(path: Path) -> str:
    if not path.parent.is_dir():
        return ""
    return did_you_mean(str(path), [str(sibling) for sibling in path.parent.iterdir()])


def _similar_module(name: str) -> str:
    if Path(f"{name}.py").exists():
        return f" Did you mean {name}.py?"
    return did_you_mean(name, [module.name for module in pkgutil.iter_modules([str(Path.cwd())])])


def _only_servable(module: ModuleType, place: str) -> str:
    things = vars(module)
    servable = [name for name in things if isinstance(things[name], Servable)]
    servable = servable or [name for name in things if is_twisted(things[name])]
    for name in CUSTOMARY_NAMES:
        if name in servable or (not servable and hasattr(module, name)):
            return name
    match servable:
        case [name]:
            return name
        case []:
            raise Failure("RW413", f"{place} has no App, Resource or Site at its top level. Make one: app = App()")
        case _:
            choices = ", ".join(f"{place}:{name}" for name in servable)
            raise Failure("RW413", f"{place} has several things to serve. Name one: {choices}")


def _application(module: ModuleType, place: str) -> str:
    for name in APPLICATION_NAMES:
        if hasattr(module, name):
            return name
    raise Failure("RW413", f"{place} has no {' and no '.join(APPLICATION_NAMES)}. Name what is there: {place}:...")


def _attribute(module: ModuleType, place: str, path: str) -> object:
    value: object = module
    for name in path.split("."):
        if not hasattr(value, name):
            public = [known for known in vars(value) if not known.startswith("_")] if hasattr(value, "__dict__") else []
            raise Failure("RW413", f"{place} has no {path}.{did_you_mean(name, public)}")
        value = getattr(value, name)
    return value


def _servable(value: object, name: str) -> Servable:
    if is_twisted(value):
        return as_resource(value)
    if isinstance(value, Servable):
        return value
    what = f"{name} is of type {full_name(type(value))}"
    interface = likely_interface(value)
    if interface is not None:
        raise Failure("RW414", f"{what}. If it is an application of {interface.upper()}, say --{interface}.")
    raise Failure("RW414", f"{what}. Name an App, a Site, or something derived from ropewalk.Resource.")
