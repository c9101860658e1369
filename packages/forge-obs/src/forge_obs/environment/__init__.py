"""What the process and its machine say: paths, mounts, processes, the redaction hook."""
