"""What is said of columns that may not be what they look like."""
