"""What `make test`, `make lint` and `.ci/run` are made of."""
