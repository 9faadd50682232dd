"""Who is calling: sign-in, keys of services, secrets of this installation, rate limits."""
