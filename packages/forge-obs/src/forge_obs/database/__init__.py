"""The database: its files, connections and schema, and how rows are written to it."""
