"""Pure text of everything that ``forge`` prints: values in, text out."""
