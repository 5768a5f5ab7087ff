"""What ``fit`` does, a module for each kind of estimator.

Only ``fit`` imports them: with them comes all of training, which predictions do without.
"""
