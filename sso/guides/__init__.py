"""The guides of the identity providers as pages of docs/, with what each refusal means."""
