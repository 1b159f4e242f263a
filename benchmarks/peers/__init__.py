"""One small program for each peer, all with the endpoints of `contract`."""
