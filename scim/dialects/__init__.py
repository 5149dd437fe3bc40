"""What each identity provider says on the wire, as data: call sequences to replay, and signs to know a caller by."""
