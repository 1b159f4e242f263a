"""Resources of twisted.web in a tree of Ropewalk's."""
