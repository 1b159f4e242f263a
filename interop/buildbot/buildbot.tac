# As `buildbot create-master` writes it, with the log on standard output, as containers have it.

import sys

from buildbot.master import BuildMaster
from twisted.application import service
from twisted.python.log import FileLogObserver, ILogObserver

basedir = "."
configfile = "master.cfg"

application = service.Application('buildmaster')
application.setComponent(ILogObserver, FileLogObserver(sys.stdout).emit)
BuildMaster(basedir, configfile, None).setServiceParent(application)
