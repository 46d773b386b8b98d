"""Teachers: who writes the knowledge that a question needs. `base` says what a teacher is."""
