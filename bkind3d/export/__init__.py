"""How others read the results; no exchange format is written yet, Parquet tables are the output."""
