"""Tables of any kind to columns: one rulebook for frames, arrays, files and Parquet."""
