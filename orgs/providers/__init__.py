"""The identity providers that are known, as data: a folder for each, with its console's own words and its habits on the wire."""
