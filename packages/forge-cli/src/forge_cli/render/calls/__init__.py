"""One call of a model as text; pure."""
