"""The service of the other tests, in a process whose limit of open files is in the variable `DESCRIPTORS`."""

import os
import resource

from tests.wire.service import app

__all__ = ["app"]

_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (int(os.environ["DESCRIPTORS"]), most))
