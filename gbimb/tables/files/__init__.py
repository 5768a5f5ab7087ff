"""Tables in files: read, brought to numbers and categories, matched to a model, and written."""
