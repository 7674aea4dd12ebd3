"""A corpus as rows of columnar files, Parquet or Lance; pyarrow and lance are loaded when they are used."""
