"""How a program comes to the engine: by a call, an endpoint prefix or `ropewalk exec`."""
