"""In what servers of one interface differ: what they refuse, where they are, and what to do."""
