"""What each command does, under the command's name."""
