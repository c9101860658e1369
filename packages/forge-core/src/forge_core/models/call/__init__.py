"""What a call of a model takes and gives."""
