"""SQL expressions: bound, built, compared."""
