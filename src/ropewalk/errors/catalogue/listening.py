"""Errors of the engine and its listening sockets: codes RW5xx."""

from typing import Final

from ropewalk.errors.catalogue.entry import Entry

LISTENING: Final = (
    Entry(
        "RW501", "The engine cannot work on this system.", "Run on Linux, outside sandboxes that break nested epoll."
    ),
    Entry(
        "RW502",
        "A listening socket cannot be opened.",
        "Stop the program that listens there, or choose another address.",
    ),
    Entry("RW503", "The engine was used from a thread other than its reactor's.", "Use reactor.callFromThread."),
    Entry("RW504", "No file descriptors are left for connections.", "Raise the limit of open files, `ulimit -n`."),
    Entry(
        "RW505",
        "The engine has an internal error: a lost socket, a failed wakeup, or a panic.",
        "Report it, with the log lines around it.",
    ),
    Entry(
        "RW506", "No file descriptors were left to respond to a request.", "Raise the limit of open files, `ulimit -n`."
    ),
    Entry(
        "RW507",
        "A disk was full, a file reached its largest allowed size, or no temporary folder could be written.",
        "Free some space, or raise `ulimit -f`. Large bodies are kept in the temporary folder, which TMPDIR names.",
    ),
    Entry(
        "RW508",
        "A forked process could not open the engine's file descriptors again.",
        "Raise the limit of open files, `ulimit -n`; or fork before you listen, or start a new process.",
    ),
    Entry(
        "RW509",
        "A request was used in a process that was forked while it was handled.",
        "Respond in the process that received the request. Let the child process send its result to that process.",
    ),
    Entry(
        "RW510",
        "A malformed message from a client was rejected.",
        "No action is needed. The logged reason names the rule that the message violates.",
    ),
    Entry(
        "RW511",
        "The reactor of a forked process cannot watch the engine.",
        "Use a tested version of Twisted, or the poll reactor; or start a new process instead of a fork.",
    ),
)
