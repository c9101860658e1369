"""Tokens, tier and cost in the words of whoever reports them. See D81."""
