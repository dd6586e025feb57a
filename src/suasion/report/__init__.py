"""The report: one self-contained HTML page, `results.json` and a Parquet file of samples."""
