"""Receives uploads. A request makes it use all of its file descriptors."""

import os
import resource
from pathlib import Path

from ropewalk import App, Request
from ropewalk.forms import FormLimits

LIMITS = FormLimits(body_limit=8 << 20, spool_limit=1000)

app = App()
used: list[int] = []


@app.post("/descriptors/none")
def use_descriptors() -> str:
    """Use all descriptors up to the highest one in use, and allow no higher one."""
    most = max(map(int, os.listdir("/proc/self/fd"))) + 1  # noqa: PTH208 - pathlib would keep a descriptor open
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    try:
        while True:
            used.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return "none"


@app.post("/descriptors/some")
def release_descriptors() -> str:
    """Give the descriptors back."""
    for each in used:
        os.close(each)
    used.clear()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return "some"


@app.post("/largest-file/{size:int}")
def limit_files(size: int) -> str:
    """Limit the size of files to this number of bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return "limited"


@app.post("/temporary-files")
def count_temporary_files() -> str:
    """How many open files have no name, as temporary files do."""
    links = [Path("/proc/self/fd", each) for each in os.listdir("/proc/self/fd")]  # noqa: PTH208 - as above
    return str(sum(os.path.islink(each) and os.readlink(each).endswith("(deleted)") for each in links))  # noqa: PTH114, PTH115 - the target is not a path


@app.post("/form")
async def form(request: Request) -> str:
    return str((await request.form(LIMITS)).files["file"].size)


@app.post("/plain", body_limit=8 << 20)
def plain(request: Request) -> str:
    return str(len(request.content.read()))


@app.post("/save")
async def save(request: Request) -> str:
    upload = (await request.form(LIMITS)).files["file"]
    await upload.save(Path(os.environ["SAVE_IN"]) / "saved.bin")
    return str(upload.size)
