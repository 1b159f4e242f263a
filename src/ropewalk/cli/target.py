"""Finds and imports the object to serve.

A target is a file (`hello.py`), a package's directory (`hotel/`) or a module (`hotel.web`). The name of an object in it
may follow (`hello.py:app`). Without a name, the names `app`, `site` and `root` are tried, and then the only servable
object in the module. For a WSGI or ASGI application, the names `app` and `application` are tried.
"""

import importlib
import importlib.util
import pkgutil
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from traceback import walk_tb
from types import FunctionType, ModuleType, TracebackType

from ropewalk import App, Resource, Site
from ropewalk.cli.application_kind import AN_APPLICATION, is_factory, likely_interface
from ropewalk.cli.error import CLIError
from ropewalk.cli.flags import source_elsewhere
from ropewalk.cli.hosting import Hosting
from ropewalk.cli.package_uses import loaded_files, missing_uses
from ropewalk.errors import CATALOGUE, RopewalkError, add_extras, full_name, relative
from ropewalk.resource import as_resource, is_twisted
from ropewalk.suggest import did_you_mean
from ropewalk.tracebacks import PACKAGE, format_error, shown_error
from ropewalk.waiting_places import is_users

Servable = App | Resource | Site

CUSTOMARY_NAMES = ("app", "site", "root")
APPLICATION_NAMES = ("app", "application")


@dataclass(frozen=True, slots=True)
class LoadedTarget:
    """An object to serve, and its name."""

    value: Servable
    name: str
    """The name as a user writes it: `hello.py:app`."""


def load_target(text: str, hosting: Hosting | None = None) -> LoadedTarget:
    """Import the object that `text` names. Raises `CLIError` with a suggestion, or with the traceback of the import."""
    try:
        return _load(text, hosting)
    except CLIError as error:
        source = source_elsewhere("target")
        raise CLIError(error.code, f"{source}: {error.message}") if source else error from error.__cause__


def _load(text: str, hosting: Hosting | None) -> LoadedTarget:
    place, _, name = text.partition(":")
    if not place:
        raise CLIError("RW411", f"{text!r} names no file and no module. Write hello.py or hello.py:app.")
    module = _import(place, _locate_path(Path(place)) if _is_path(place) else _locate_module(place))
    if hosting is None or hosting.interface is None:
        name = name or _only_servable(module, place)
        servable = _servable(_attribute(module, place, name), f"{place}:{name}")
    else:
        name = name or _application(module, place, hosting.interface)
        servable = hosting.host(_attribute(module, place, name), f"{place}:{name}")
    return LoadedTarget(servable, f"{place}:{name}")


def _is_path(place: str) -> bool:
    return place.endswith(".py") or "/" in place or Path(place).is_dir()


def _locate_path(path: Path) -> Callable[[], ModuleType]:
    if not path.exists():
        raise CLIError("RW411", f"There is no file {path}.{_similar_file(path)}")
    if path.is_dir() and not (path / "__init__.py").exists():
        raise CLIError("RW411", f"{path} is not a package. To serve its files: ropewalk static {path}")
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
    """Import a file outside any package. It may have the same name as an imported module, such as `site.py`."""
    name = path.stem if path.stem not in sys.modules else f"target:{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise CLIError("RW411", f"{path} is not a Python file.")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _locate_module(name: str) -> Callable[[], ModuleType]:
    if Path(name).is_file():
        raise CLIError("RW412", f"{name} is not a Python file: its name does not end in .py.")
    if not all(part.isidentifier() for part in name.split(".")):
        raise CLIError("RW412", f"{name!r} is neither a file nor the name of a module.")
    _search_first(Path.cwd())
    return partial(importlib.import_module, name)


def _import(place: str, load: Callable[[], ModuleType]) -> ModuleType:
    try:
        return load()
    except CLIError:
        raise
    except ModuleNotFoundError as error:
        if error.name and f"{place}.".startswith(f"{error.name}."):
            raise CLIError("RW412", f"There is no module {error.name}.{_similar_module(error.name)}") from error
        raise _broken(place, error) from error
    except Exception as error:
        raise _broken(place, error) from error


def _broken(place: str, error: Exception) -> CLIError:
    """The error for an exception in the user's module: what happened and where, then the frames of the user's code."""
    users = _first_frame_of_user(error.__traceback__)
    if isinstance(error, RopewalkError):
        missing = _missing_packages(error, users)
        if missing is not None:
            return CLIError("RW415", f"{place} cannot be imported ({_where(error, users)}): {missing}")
    what = shown_error(error)
    end = "" if what.endswith((".", "!", "?")) else "."
    remedy = CATALOGUE["RW415"].remedy
    if isinstance(error, ModuleNotFoundError) and error.name:
        remedy = f"Install {error.name.partition('.')[0]} for {sys.executable}, or correct the import."
    trace = format_error(error.with_traceback(users)).rstrip()
    return CLIError("RW415", f"{place} cannot be imported ({_where(error, users)}): {what}{end} {remedy}\n{trace}")


def _missing_packages(error: RopewalkError, users: TracebackType | None) -> str | None:
    """The message of an error about a missing package, with all other packages that the program lacks.

    None for another error. The message has no traceback, because the frames explain nothing.
    """
    if add_extras(error.remedy, ()) is None:
        return None
    files = [Path(frame.f_code.co_filename) for frame, _ in walk_tb(users)]
    uses = missing_uses([*(file for file in files if is_users(str(file))), *loaded_files()])
    remedy = add_extras(error.remedy, {use.feature.extra for use in uses})
    others = [f"{use.name} at {use.place} needs the package {use.feature.package}" for use in uses]
    also = f" All that is missing: {'; '.join(others)}." if len(others) > 1 else ""
    return f"{error.code} {error.message}{also} {remedy}"


def _where(error: Exception, users: TracebackType | None) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return relative(error.filename, error.lineno)
    frames = [frame for frame, _ in walk_tb(users)]
    lines = [line for _, line in walk_tb(users)]
    for frame, line in zip(reversed(frames), reversed(lines), strict=True):
        file = frame.f_code.co_filename
        if not file.startswith((PACKAGE, "<frozen ")):
            return relative(file, line)
    return "the traceback is below"


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
        return f" The folder {path.parent} does not exist either. The working directory is {Path.cwd()}."
    if path.is_symlink():
        return f" It is a symbolic link to {path.readlink()}, which does not exist."
    meant = did_you_mean(str(path), [str(sibling) for sibling in path.parent.iterdir()])
    return meant or f" Check its name, or start in its folder. The working directory is {Path.cwd()}."


def _similar_module(name: str) -> str:
    if Path(f"{name}.py").exists():
        return f" Did you mean {name}.py?"
    meant = did_you_mean(name, [module.name for module in pkgutil.iter_modules([str(Path.cwd())])])
    return meant or f" {CATALOGUE['RW412'].remedy}"


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
            raise CLIError("RW413", f"{place} has no App, Resource or Site at its top level. {_instead(module, place)}")
        case _:
            choices = ", ".join(f"{place}:{name}" for name in servable)
            raise CLIError("RW413", f"{place} has several objects to serve. Name one: {choices}")


def _instead(module: ModuleType, place: str) -> str:
    """The remedy for an error message if a module has no App. It depends on the module's contents."""
    for name in (*APPLICATION_NAMES, "wsgi_app", "asgi_app", "wsgi", "asgi"):
        interface = likely_interface(getattr(module, name, None))
        if interface is not None:
            return f"{name} looks like {AN_APPLICATION[interface]}: serve it with --{interface} {place}:{name}"
    factory = _factory(module)
    if factory:
        return f"If {factory} creates one, call it there: app = {factory}()"
    if hasattr(module, "__path__"):
        return f"Create one there, or name the module that has one: {place.rstrip('/')}/web.py:app"
    return "Create one: app = App()"


def _factory(module: ModuleType) -> str | None:
    """The name of a function that seems to create an application."""
    made = re.compile(r"(create|make|build|get)_(\w+_)?(app|application|site|root)")
    return next((name for name, value in vars(module).items() if made.fullmatch(name) and is_factory(value)), None)


def _application(module: ModuleType, place: str, interface: str) -> str:
    for name in APPLICATION_NAMES:
        if hasattr(module, name):
            return name
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
    others = [name for name in vars(module) if not name.startswith("_") and name not in own]
    found = [name for name in (*own, *others) if likely_interface(getattr(module, name)) == interface]
    factory = _factory(module)
    if factory:
        remedy = f"If {factory} creates one, call it there: application = {factory}()"
    elif len(found) == 1:
        remedy = f"Name it: {place}:{found[0]}"
    else:
        remedy = f"Name the {interface.upper()} application: {place}:NAME"
    raise CLIError("RW413", f"{place} has no {' and no '.join(APPLICATION_NAMES)}. {remedy}")


def _attribute(module: ModuleType, place: str, path: str) -> object:
    value: object = module
    for name in path.split("."):
        if not hasattr(value, name):
            public = [known for known in vars(value) if not known.startswith("_")] if hasattr(value, "__dict__") else []
            raise CLIError("RW413", f"{place} has no {path}.{did_you_mean(name, public)}")
        value = getattr(value, name)
    return value


def _servable(value: object, name: str) -> Servable:
    if is_twisted(value):
        return as_resource(value)
    if isinstance(value, Servable):
        return value
    if isinstance(value, type):
        what = f"{name} is the class {full_name(value)}"
        if issubclass(value, Servable):
            raise CLIError(
                "RW414", f"{what}. Create an instance at the top level, and name that: app = {value.__name__}(...)"
            )
    elif isinstance(value, FunctionType):
        what = f"{name} is a function"
    else:
        what = f"{name} is of type {full_name(type(value))}"
    resource = getattr(value, "resource", None)
    if is_twisted(resource):  # a twisted.web Site
        raise CLIError("RW414", f"{what}. Name its resource: {name}.resource. Or run the program with `ropewalk exec`.")
    if callable(resource) and not isinstance(value, type):  # a Klein object
        made = f"root = {name.rpartition(':')[2]}.resource()"
        raise CLIError("RW414", f"{what}. Write {made} at the top level, and name that resource.")
    interface = likely_interface(value)
    if interface is not None:
        raise CLIError("RW414", f"{what}. If it is {AN_APPLICATION[interface]}, use --{interface}.")
    if is_factory(value) and not isinstance(value, type):
        made = f"{value.__name__}()" if isinstance(value, FunctionType) else "..."
        raise CLIError("RW414", f"{what}. If it creates the object to serve, call it at the top level: app = {made}")
    raise CLIError("RW414", f"{what}. Name an App, a Site, or a resource derived from ropewalk.Resource.")
