"""What all REST endpoints share: who calls, the transaction, problems, pages, repeated requests, probes."""
