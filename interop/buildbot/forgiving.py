"""A plugin for tests of Buildbot, which turn warnings into errors: it allows what this Twisted deprecates."""

import warnings

import buildbot.test  # noqa: F401 - for the filters that it sets, which have to be there already

warnings.filterwarnings("ignore", category=DeprecationWarning)
