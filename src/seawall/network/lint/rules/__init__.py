"""One module a rule; its name, with hyphens, is the rule's id. `SEVERITY` and `check(view)` are all it has."""
