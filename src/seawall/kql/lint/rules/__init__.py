"""One module a rule: `SEVERITY` and `check(flow)`."""
