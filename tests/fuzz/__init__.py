"""Fuzzing of what reads strangers' bytes: ``make fuzz``. ``targets`` says what must hold of any input, ``__main__`` runs them."""
