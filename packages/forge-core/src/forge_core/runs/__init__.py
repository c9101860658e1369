"""Runs, seen from outside: starting, following, cancelling and looking after them.

Above the worker that executes them: see docs/decisions/D67-runs-above-the-worker.md.
"""
