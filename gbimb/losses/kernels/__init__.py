"""The compiled loops of the losses."""
