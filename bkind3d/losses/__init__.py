"""How wrong: one unweighted scalar each."""
