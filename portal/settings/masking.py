"""What no log line may hold: secrets in paths, queries, headers and URLs are replaced before a line is written."""

import re

HIDDEN = "[hidden]"
# a slash as itself, or encoded once or more, as in the query of a page that leads on
_SLASH = r"(?:/|%(?:25)*2f)"
_BEGIN = r"(?:[?&;\s\"'(]|^|%(?:25)*(?:3f|26))"
_EQUALS = r"(?:=|%(?:25)*3d)"
# paths whose next part is a secret; tests/portal/test_masking.py walks every URL of the site
SECRET_PATHS = ("invitations", "accounts/confirm-email", "accounts/password/reset/key")
SECRET_QUERIES = (
    *("to", "id", "code", "key", "token", "secret", "password", "signature"),
    *("samlresponse", "samlrequest", "relaystate", "sigalg", "test"),
    *("access_token", "refresh_token", "client_secret", "csrfmiddlewaretoken"),
    *(r"(?:__host-)?session(?:id)?", r"(?:__host-)?csrftoken", r"(?:__host-)?sso_(?:flow|handle)_\w+"),
)

_PATHS = "|".join(path.replace("/", f"{_SLASH}+") for path in SECRET_PATHS)
_RULES = (
    (rf"({_SLASH}+(?:{_PATHS}){_SLASH}+)(?:(?!{_SLASH})[^\s\"'?&#\\<>])+", rf"\1{HIDDEN}"),
    (rf"({_BEGIN}(?:{'|'.join(SECRET_QUERIES)}){_EQUALS})(?:(?!%(?:25)*26)[^\s\"'&;#\\<>])+", rf"\1{HIDDEN}"),
    (r"\b(bearer|basic)(\s+)[\w.~+/=-]{8,}", rf"\1\2{HIDDEN}"),
    # credentials in the URL of a database, broker or mail server
    (r"(://)[^\s/@\"'\\]+@", rf"\1{HIDDEN}@"),
    # every kind of token that we make begins so
    (r"gh[a-z]_[\w-]+", HIDDEN),
)
RULES = tuple((re.compile(pattern, re.IGNORECASE), text) for pattern, text in _RULES)


def mask_secrets(text: str) -> str:
    """Return the text without the secrets that paths, queries, headers and tokens hold."""
    for pattern, replacement in RULES:
        text = pattern.sub(replacement, text)
    return text
