"""The automatic choice: losses, weights, sampling, trees and engines, searched and blended."""

from __future__ import annotations

from gbimb.auto._classifier import AutoImbalancedClassifier

__all__ = ["AutoImbalancedClassifier"]
