"""The server of ``forge receive``: what it takes of senders, and what it refuses. See D96."""
