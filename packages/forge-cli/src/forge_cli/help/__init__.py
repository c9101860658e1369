"""Help pages and their examples."""
