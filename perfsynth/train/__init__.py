"""Training: a task says what a batch is and what it costs, the loop does the rest."""
