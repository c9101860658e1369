"""What is recorded: columns, rows and texts, without a file, a clock or a database; pure."""
