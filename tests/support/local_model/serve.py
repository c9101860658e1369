"""The program of the model server: it runs until its standard input is closed."""

import sys

import xllamacpp

REQUESTS = 4
"""Answered at the same time."""


def main() -> None:
    """Serve a model at a free port, and print the address."""
    terms = xllamacpp.CommonParams()
    terms.model.path = sys.argv[1]
    terms.hostnames, terms.port = ["127.0.0.1"], 0
    terms.n_ctx, terms.n_parallel = REQUESTS * int(sys.argv[2]), REQUESTS
    terms.cpuparams.n_threads = terms.cpuparams_batch.n_threads = 1
    terms.warmup = terms.ui = terms.cache_prompt = False
    terms.verbosity = 3  # with the figures of each request
    server = xllamacpp.Server(terms)
    print(server.listening_address, flush=True)  # noqa: T201 - for whoever started it
    sys.stdin.read()


if __name__ == "__main__":
    main()
