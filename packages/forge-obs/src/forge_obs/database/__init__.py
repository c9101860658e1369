"""The database: its files, connections and schema, and how rows are written to it.

A commit of a row takes a tenth of a millisecond, and `record()` must not take much longer. Two
things would spoil that, hence two modules that do nothing but keep it.

- `group_commit`: threads that commit at the same moment would queue for SQLite's one writer, each
  with a transaction of its own, and hand the interpreter's lock around. Their rows share a
  statement instead (D65).
- `checkpointer`: SQLite moves its write-ahead log inside the commit that finds it too long, which
  then takes a hundred times as long. A thread moves it beside the writers (D51).

`hatch run bench record` shows what either is worth. What only SQLite does stands in `connections`,
`engines`, `errors`, `files`, `sqlite_writer` and `upsert`; `handle` is one open database, `migrate`
brings it to this version's schema, `writer` puts an entry into it.
"""
