"""The service of the other tests, in a process that may open few files."""

import resource

from tests.wire.service import app

__all__ = ["app"]

resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
