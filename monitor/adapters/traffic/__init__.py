"""Queries that users asked, in the forms that logs and traces have them."""
