"""From probabilities to decisions: thresholds, class weights, calibration, prior and blending."""
