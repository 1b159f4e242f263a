"""Apps and resources of Ropewalk in a tree of twisted.web."""
