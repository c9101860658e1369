"""Looking after a store: check, prune, back up."""
