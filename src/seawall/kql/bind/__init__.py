"""Tree -> relation: names, types, null rules, and the SQL that says the same."""
