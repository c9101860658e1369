"""The user's repository, through the git command: claims, worktrees, commits."""
