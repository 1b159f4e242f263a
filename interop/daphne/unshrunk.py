"""A plugin for pytest: hypothesis makes the same choices every time, and leaves a failure as it was found.

Each of its tries starts a server. Two runs of a suite can only be compared if they make the same choices.
"""

from hypothesis import Phase, settings

settings.register_profile("unshrunk", phases=[Phase.explicit, Phase.generate], derandomize=True)
settings.load_profile("unshrunk")
