"""Python imports this at its start where this folder is on its path.

It counts the connections that Ropewalk's channel has, a byte each in a file. Where INTEROP_INSTALL is set it puts
Ropewalk under the process as `ropewalk exec` does, so that the servers which a suite starts have it too; but not below
`ropewalk exec` itself.
"""

import os
import sys
from functools import wraps
from pathlib import Path
from typing import Final

from ropewalk.dropin.connection.channel import HTTPChannel
from ropewalk.dropin.entry.monkeypatch import replace

CONNECTIONS: Final = Path(os.environ["INTEROP_CONNECTIONS"])

connection_made = HTTPChannel.connectionMade


@wraps(connection_made)
def counted(channel: HTTPChannel) -> None:
    with CONNECTIONS.open("ab") as file:
        file.write(b".")
    connection_made(channel)


HTTPChannel.connectionMade = counted  # type: ignore[method-assign]

BY_EXEC: Final = "ropewalk" in (Path(word).name for word in sys.orig_argv[:2])

if os.environ["INTEROP_INSTALL"] and not BY_EXEC:
    replace()
