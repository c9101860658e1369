"""Pure assembly of what a model is shown: sections, a token budget, statistics."""
