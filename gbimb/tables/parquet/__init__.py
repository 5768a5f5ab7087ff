"""Parquet files that are read while a model trains or predicts, never held in memory."""
