"""A model watched on new rows: what changed, and whether its promises hold."""
