"""Reading and writing files of a worktree whose paths a model chose."""
