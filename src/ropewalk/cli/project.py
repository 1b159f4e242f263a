"""Writes the files of a new project from the templates in the folder `project_templates` of this package.

A template is a file whose name ends in `.template`. The names in `_placeholders` are replaced in its text and in its
path. These names are valid in every language of the templates, so tools can check the templates as they are. `dot-` at
the beginning of a name stands for a dot, because build tools leave out hidden files.
"""

import errno
import importlib.util
import keyword
import os
import re
import shutil
import sys
import tempfile
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from ropewalk.cli.error import CLIError
from ropewalk.errors import CATALOGUE

Kind = Literal["site", "api"]

MOST_CHARACTERS: Final = 30
"""The maximum length of a name. The lines of the generated code are short enough for such names."""

_ENDING: Final = ".template"
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_TAKEN: Final = frozenset({"tests", "conftest", "test_site", "test_service", "wheels", "data", "site", "api"})
"""Names that the generated project uses for something else. pytest imports the modules of `tests` by bare names."""


@dataclass(frozen=True, slots=True)
class Project:
    """What a new project is called, and where it is."""

    folder: Path
    """The folder that is created."""
    name: str
    """The name of the distribution: `guest-book`."""

    @property
    def package(self) -> str:
        """The name of the package: `guest_book`."""
        return self.name.replace("-", "_")

    @property
    def prefix(self) -> str:
        """The prefix of its variables in the environment: `GUEST_BOOK`."""
        return self.package.upper()

    @property
    def title(self) -> str:
        """The name for people: `Guest book`."""
        return self.package.replace("_", " ").capitalize()


def project_at(path: str) -> Project:
    """The project for a name, or for a path that ends in its name.

    Raises CLIError: RW320 for an impossible name, RW321 if files are at the path.
    """
    folder = Path(path)
    name = folder.name
    if name != name.lower() or not _NAME.fullmatch(name) or len(name) > MOST_CHARACTERS:
        raise CLIError("RW320", f"{name or path!r} cannot be the name of a project.{_better(name)}")
    project = Project(folder, name.replace("_", "-"))
    _check_package(project.package)
    if folder.is_symlink() or folder.is_file() or (folder.is_dir() and _contents(folder)):
        what = "exists, and is not a folder"
        if folder.is_dir():
            what = "is a symbolic link" if folder.is_symlink() else "exists, and is not empty"
        raise CLIError("RW321", f"{folder} {what}. {CATALOGUE['RW321'].remedy}")
    return project


def _contents(folder: Path) -> list[Path]:
    """The entries of a folder except `.git`, because a project may be created in an empty Git repository."""
    return [each for each in folder.iterdir() if each.name != ".git"]


def write_project(kind: Kind, project: Project) -> None:
    """Write the files of a new project: all of them, or none. Raises CLIError (RW321, RW322)."""
    parent = project.folder.parent
    try:
        hidden = Path(tempfile.mkdtemp(prefix=f".{project.name}-", dir=parent))
    except OSError as error:
        raise _cannot_write(project, error) from error
    try:
        made = hidden / project.name
        made.mkdir()  # unlike `hidden`, with the permissions that the user's umask gives
        for path, text in project_files(kind, project):
            file = made / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        if (project.folder / ".git").exists():
            _move_into(made, project.folder)
        else:
            os.rename(made, project.folder)  # noqa: PTH104 - replaces an empty folder, and no other
    except OSError as error:
        raise _cannot_write(project, error) from error
    finally:
        shutil.rmtree(hidden)


def _move_into(made: Path, folder: Path) -> None:
    """Move what is in a folder into another one, which has only `.git`. If this fails, what was moved is removed
    again."""
    moved: list[Path] = []
    try:
        for entry in sorted(made.iterdir()):
            target = folder / entry.name
            if target.exists() or target.is_symlink():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), f"{entry}", None, f"{target}")
            moved.append(entry.rename(target))
    except OSError:
        for each in moved:
            shutil.rmtree(each) if each.is_dir() else each.unlink()
        raise


def project_files(kind: Kind, project: Project) -> Iterator[tuple[PurePosixPath, str]]:
    """The path and the text of each file of a new project."""
    values = _placeholders(project)
    placeholder = re.compile("|".join(values))
    templates = files("ropewalk") / "project_templates"
    for folder in (templates / "common", templates / kind):
        for path, template in _templates_below(folder, PurePosixPath()):
            text = template.read_text(encoding="utf-8")
            written = path.with_name(re.sub("^dot-", ".", path.name.removesuffix(_ENDING)))
            name = placeholder.sub(lambda found: values[found[0]], f"{written}")
            yield PurePosixPath(name), placeholder.sub(lambda found: values[found[0]], text)


def _placeholders(project: Project) -> dict[str, str]:
    return {
        "project_package": project.package,
        "project-name": project.name,
        "PROJECT_PREFIX": project.prefix,
        "Project Title": project.title,
    }


def _templates_below(folder: Traversable, path: PurePosixPath) -> Iterator[tuple[PurePosixPath, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _templates_below(entry, path / entry.name)
        elif entry.name.endswith(_ENDING):
            yield path / entry.name, entry


def _check_package(package: str) -> None:
    """Raises CLIError (RW320) for a name that cannot be imported, that would hide another module, or whose variables
    would look like Ropewalk's."""
    if keyword.iskeyword(package):
        why = "is a keyword of Python"
    elif package in sys.stdlib_module_names:
        why = "is a module of Python"
    elif package in _TAKEN:
        why = "is the name of something else in the project"
    elif package.startswith("ropewalk_"):
        why = "begins with ropewalk, so that its variables would look like settings of Ropewalk"
    elif _is_installed(package):
        why = "is an installed package, which the project would hide"
    else:
        return
    raise CLIError("RW320", f"{package} {why}. Choose another name, such as my-{package.replace('_', '-')}.")


def _is_installed(package: str) -> bool:
    """Whether a module can be imported from elsewhere than the working directory.

    `python -m ropewalk` also finds modules in the working directory. There, the name may be an empty folder for the
    project, or the project itself.
    """
    spec = importlib.util.find_spec(package)
    if spec is None:
        return False
    places = [*(spec.submodule_search_locations or ())] or [spec.origin or ""]
    return any(Path(place).absolute().parent != Path.cwd() for place in places)


def _better(name: str) -> str:
    """A similar name that is possible, as a sentence; or what names may contain."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()  # without accents
    similar = re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", plain).lower()).strip("-")
    if _NAME.fullmatch(similar) and len(similar) <= MOST_CHARACTERS:
        return f" Did you mean {similar}?"
    longest = f" A name has at most {MOST_CHARACTERS} characters." if len(name) > MOST_CHARACTERS else ""
    return f"{longest} {CATALOGUE['RW320'].remedy}"


def _cannot_write(project: Project, error: OSError) -> CLIError:
    if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR) and error.filename2:
        return CLIError("RW321", f"{project.folder} exists. {CATALOGUE['RW321'].remedy}")
    what = f"{project.folder} cannot be created: {error.strerror}."
    return CLIError("RW322", f"{what} {CATALOGUE['RW322'].remedy}")
