"""Documents of the formats that people write: a file for each, chosen by suffix in `readers`."""
