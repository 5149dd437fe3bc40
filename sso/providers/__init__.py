"""The identity providers that are known, as data: each one's own labels in its own order, for pages and docs alike."""
