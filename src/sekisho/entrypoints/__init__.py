"""The ways in: HTTP and the command line. Everything is put together in `wiring`."""
