"""`make demo`: the whole way on a real Kubernetes, told line by line with measured times."""
