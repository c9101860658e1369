"""SQLAlchemy kept apart from what a host does to its own."""
