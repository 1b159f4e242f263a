"""Resources of twisted.web in the tree of an app."""
