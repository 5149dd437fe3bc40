"""Play an identity provider against any SCIM server. Knows nothing of this site but the sequences of scim.dialects."""
