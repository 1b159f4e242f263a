"""The service of the other tests, in a process that may open as many files as `DESCRIPTORS` says."""

import os
import resource

from tests.wire.service import app

__all__ = ["app"]

_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (int(os.environ["DESCRIPTORS"]), most))
