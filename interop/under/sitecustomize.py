"""Python imports this module at its start if this folder is on its path.

The module counts the connections of Ropewalk's channel: each one adds a byte to the file INTEROP_CONNECTIONS. If
INTEROP_INSTALL is set, it also replaces the classes of twisted.web, as `ropewalk exec` does, so that the servers that a
suite starts use Ropewalk, too. It does not do this under `ropewalk exec`, which has replaced them already.
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
