"""The requests of twisted.web programs: how they are received, rendered, responded to and logged."""
