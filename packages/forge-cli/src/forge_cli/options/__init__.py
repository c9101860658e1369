"""The options of each command, under the command's name, and the types of their values."""
