"""Bags of undersampled rows: how they are drawn, trained one by one, judged and averaged."""
