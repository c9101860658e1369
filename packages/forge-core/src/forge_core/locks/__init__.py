"""File locks, which the kernel drops however their holder ends."""
