"""Fitted models as ONNX files: trees, link, calibration and decision in one graph."""
