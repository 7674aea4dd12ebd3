"""The demo and the producer of its living example: installed with the rest, imported by the command line alone."""
