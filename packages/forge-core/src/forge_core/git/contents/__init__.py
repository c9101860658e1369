"""What a commit has: files as a checkout has them, searched, and fetched where they lack."""
