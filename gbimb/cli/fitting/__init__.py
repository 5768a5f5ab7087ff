"""What ``gbimb fit`` trains on, and what it trains."""
