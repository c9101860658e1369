"""Runs, seen from outside: starting, following, cancelling and looking after them."""
