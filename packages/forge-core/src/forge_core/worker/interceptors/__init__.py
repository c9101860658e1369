"""What stands around each activity of a worker."""
