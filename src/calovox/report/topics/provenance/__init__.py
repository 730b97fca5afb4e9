"""What the report was made from."""
