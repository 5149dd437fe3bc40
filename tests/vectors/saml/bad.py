"""The messages that must be refused. Each differs from an accepted one in one defect; `BAD` says which code that has."""

from itertools import chain

from tests.vectors.saml import bad_documents, bad_facts, bad_signatures

BAD = dict(chain(bad_documents.table(), bad_signatures.table(), bad_facts.table()))
