"""twisted.web resources in the tree of an app."""
