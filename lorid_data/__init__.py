"""Knowledge-enhanced math datasets: questions in, knowledge asked and kept. `schema` is read first."""
