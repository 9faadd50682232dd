"""One kind of recommendation a file: what to do, and its proposal to a person."""
