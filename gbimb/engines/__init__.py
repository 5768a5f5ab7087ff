"""LightGBM and XGBoost behind one interface: a folder each, the only places that import them."""
