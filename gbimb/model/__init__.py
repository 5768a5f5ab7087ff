"""The file format of fitted models."""
