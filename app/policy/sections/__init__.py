"""The sections of the policy document, one module per domain: numbers, units, and the clause each carries out."""
