"""Where to go after signing in. It never travels in RelayState, which is the request's ID: nobody reads a URL out of that."""

from urllib.parse import urlsplit

# bytes: several sign-ins at once remember theirs in cookies, of which proxies take 8 KB
LONGEST_PATH = 500


def local_path(text: str) -> str:
    """Return where to go after sign-in: the text when it is a path on this site, else an empty text.

    `//host`, `/\\host`, `https:host` and control characters are other sites in some browser or other.
    """
    if not text.startswith("/") or text.startswith("//") or len(text.encode(errors="replace")) > LONGEST_PATH:
        return ""
    if "\\" in text or not text.isprintable():
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return "" if parts.scheme or parts.netloc else text
