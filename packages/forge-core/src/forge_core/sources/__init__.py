"""Reading a repository's files for their context, through git and a cache."""
