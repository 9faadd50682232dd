"""How it is answered: relational nodes, one module per idea, and their SQL."""
