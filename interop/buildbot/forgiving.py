"""Stands before tests of Buildbot's, which make errors of warnings, and bears with what this Twisted deprecates."""

import warnings

import buildbot.test  # noqa: F401 - for the filters that it sets, which have to be there already

warnings.filterwarnings("ignore", category=DeprecationWarning)
