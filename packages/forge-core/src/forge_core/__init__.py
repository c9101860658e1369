"""Forge's engine: Temporal workflows that plan, write, validate and commit.

Folders import downwards only, from `runs` to `errors`. The order is that of the import contracts in
`pyproject.toml`. See D68.
"""
