"""Committing rows fast: what exists for no other reason.

A commit of a row takes a tenth of a millisecond, and `record()` must not take much longer. Two
things would spoil that, hence two modules that do nothing but keep it.

- `group_commit`: threads that commit at the same moment would queue for SQLite's one writer, each
  with a transaction of its own, and hand the interpreter's lock around. Their rows share a
  statement instead (D65).
- `checkpointer`: SQLite moves its write-ahead log inside the commit that finds it too long, which
  then takes a hundred times as long. A thread moves it beside the writers (D51).

`hatch run bench record` shows what either is worth. `sqlite_writer` is the connection of both, and
`database` the file that they belong to.
"""
