"""The database: its files, connections and schema, and how rows are written to it.

What only SQLite does stands in `commits`, `connections`, `engines`, `errors`, `files`,
`replaced_file` and `upsert`; `handle` is one open database, `migrate` brings it to this version's
schema, `writer` puts an entry into it.
"""
