"""Losses that work and are tested, but won on none of the tables tried; they may go again."""

from __future__ import annotations

from gbimb.losses.experimental._softmax_mcc import SoftClassCounts, SoftmaxMCCLoss

__all__ = ["SoftClassCounts", "SoftmaxMCCLoss"]
