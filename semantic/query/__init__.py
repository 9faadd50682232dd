"""What is asked: a request, its names resolved, its filters parsed."""
