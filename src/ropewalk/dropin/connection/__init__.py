"""The connections of twisted.web programs, served by the engine."""
