"""What an answer changes: edits located in the original, spliced or refused with why; pure."""
