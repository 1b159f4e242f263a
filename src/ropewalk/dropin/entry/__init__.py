"""Ways to serve a program of twisted.web by the engine: a call, an endpoint prefix, or `ropewalk exec`."""
