"""What commands read from the store."""
