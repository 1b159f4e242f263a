"""Apps and resources of Ropewalk in a twisted.web tree."""
