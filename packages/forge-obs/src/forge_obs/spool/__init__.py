"""Where entries wait that the database could not take."""
