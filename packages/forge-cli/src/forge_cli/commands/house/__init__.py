"""Commands that keep house: the store, the server, leftovers, configuration and help."""
