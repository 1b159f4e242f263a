"""Errors of the commands `dev`, `new` and `shell`: codes from RW310."""

from typing import Final

from ropewalk.errors.catalogue.entry import Entry

PROJECTS: Final = (
    Entry(
        "RW310", "The editor for links is unknown.", 'Name an editor, or a URL such as "editor://open?{path}:{line}".'
    ),
    Entry("RW311", "`ropewalk dev` cannot listen on this kind of endpoint.", "Listen on a TCP port: --port 8080."),
    Entry(
        "RW312",
        "`ropewalk dev` cannot watch a folder.",
        "Create the folder, or name others with --reload-dir. If there are too many folders, raise the sysctl "
        "fs.inotify.max_user_watches.",
    ),
    Entry(
        "RW313",
        "The program ended while `ropewalk dev` served it.",
        "Remove the call that ends the process, such as sys.exit or os._exit. A crash is in native code.",
    ),
    Entry(
        "RW320",
        "`ropewalk new` got a name that no project can have.",
        "Use lower-case letters, digits and dashes, with a letter first, such as guest-book. The name of a Python "
        "module is not possible.",
    ),
    Entry(
        "RW321",
        "`ropewalk new` found files where it would create the project.",
        "Choose another name, or remove the files. Existing files are never overwritten.",
    ),
    Entry(
        "RW322",
        "`ropewalk new` could not write the project.",
        "Check that the folder exists, that you may write to it, and that the disk has space. Nothing is left behind.",
    ),
    Entry(
        "RW323",
        "A start hook or dependency of the app failed, so `ropewalk shell` has no app to use.",
        "Fix the cause shown in the traceback below.",
    ),
)
