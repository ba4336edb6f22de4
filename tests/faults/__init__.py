"""A reverse proxy before the API server that records what passes and makes chosen requests fail."""
