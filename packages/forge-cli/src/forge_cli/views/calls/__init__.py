"""One call of a model as values, read from its row; pure."""
