"""The migrations: revisions of the schema, and Alembic's operations as they take them.

Alembic is used as a library. Its `op` and `context`, which belong to whoever runs Alembic in this
process, are never touched. See D41 and D79.
"""
