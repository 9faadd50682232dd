"""HTTP: each route parses, calls one function, answers."""
