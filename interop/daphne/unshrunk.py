"""A plugin for pytest: hypothesis leaves a failure as it was found. Each of its tries starts a server."""

from hypothesis import Phase, settings

settings.register_profile("unshrunk", phases=[Phase.explicit, Phase.generate])
settings.load_profile("unshrunk")
