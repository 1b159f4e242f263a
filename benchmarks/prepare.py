"""Makes the environment of the peers, the ceiling and the files to serve, then restarts the run in that environment.

Only the standard library is imported here, so that any Python can run `python -m benchmarks`.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final, NoReturn

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent
DATA: Final = HERE / "data"
VENV: Final = HERE / ".venv"
PYTHON: Final = VENV / "bin" / "python"
LOCK: Final = HERE / "requirements.lock"
CEILING: Final = HERE / "ceiling" / "target" / "release" / "ceiling"
TOOLS: Final = {
    "wrk": "apt-get install wrk",
    "taskset": "apt-get install util-linux",
    "cargo": "see https://rustup.rs",
}
FILE_SIZES: Final = {"1k.bin": 1024, "50k.bin": 50 * 1024, "1m.bin": 1024 * 1024}


def enter(module: str, arguments: list[str]) -> NoReturn:
    """Restart as `python -m module` in the environment of the benchmarks, which is created if it is out of date."""
    check_tools()
    make_venv()
    link_ropewalk()
    make_files()
    subprocess.run(["cargo", "build", "--quiet", "--release", "--locked"], cwd=HERE / "ceiling", check=True)
    os.chdir(ROOT)
    os.execv(PYTHON, [str(PYTHON), "-m", module, *arguments])


def check_tools() -> None:
    if sys.platform != "linux":
        sys.exit("The benchmarks read /proc and pin processes to cores, so they need Linux.")
    missing = [f"{tool} ({remedy})" for tool, remedy in TOOLS.items() if shutil.which(tool) is None]
    if missing:
        sys.exit("The benchmarks need what is not installed: " + ", ".join(missing))


def make_venv() -> None:
    """Install the locked peers, unless this lock and this Python are installed already."""
    stamp = VENV / "made-from"
    wanted = f"{sys.version}\n{hashlib.sha256(LOCK.read_bytes()).hexdigest()}\n"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("Installing the peers into benchmarks/.venv ...", flush=True)
    venv.create(VENV, clear=True, with_pip=True, symlinks=True)
    install = [
        str(PYTHON),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
        str(LOCK),
    ]
    subprocess.run(install, check=True)
    stamp.write_text(wanted)


def link_ropewalk() -> None:
    """Let the environment import the same Ropewalk as this process."""
    (packages,) = (VENV / "lib").glob("python3.*/site-packages")
    link = packages / "ropewalk"
    spec = importlib.util.find_spec("ropewalk")
    places = [Path(place).resolve() for place in (spec and spec.submodule_search_locations) or ()]
    link.unlink(missing_ok=True)
    if places:
        link.symlink_to(places[0])
        link_plugins(packages, places[0].parent)


def link_plugins(packages: Path, source: Path) -> None:
    """Add Ropewalk to Twisted's plugins, as an installation does."""
    for plugin in source.glob("twisted/plugins/ropewalk_*.py"):
        link = packages / "twisted" / "plugins" / plugin.name
        link.unlink(missing_ok=True)
        link.symlink_to(plugin)


def make_files() -> None:
    DATA.mkdir(exist_ok=True)
    for name, size in FILE_SIZES.items():
        path = DATA / name
        if not path.exists() or path.stat().st_size != size:
            path.write_bytes(bytes(range(256)) * (size // 256))
