"""The ways to serve a twisted.web program with the engine: `accelerate`, an endpoint prefix, or `ropewalk exec`."""
