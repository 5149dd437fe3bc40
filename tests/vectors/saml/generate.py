"""`python -m tests.vectors.saml.generate`: writes the keys that are missing and all vectors anew.

Whatever an RSA key signs comes out the same each time. Signatures of the EC key don't, so its vectors are kept unless
`--force` is given.
"""

import json
import sys
from pathlib import Path

from tests.vectors.saml.keys import make_keys
from tests.vectors.saml.world import FOLDER


def main(*, force: bool) -> None:
    make_keys()
    from tests.vectors.saml.bad import BAD
    from tests.vectors.saml.good import GOOD

    good, bad = FOLDER / "good", FOLDER / "bad"
    for name, accepted in GOOD.items():
        path = good / f"{name}.xml"
        if force or not (path.exists() and "ec" in accepted.pinned):
            write(path, accepted.message())
        write(good / f"{name}.json", json.dumps(accepted.expected(), indent=2, ensure_ascii=False) + "\n")
    for name, refused in BAD.items():
        message = refused.message()
        if force or not (bad / f"{name}.xml").exists() or name != "ec_signature_for_rsa_key":
            write(bad / f"{name}.xml", message)
    codes = {name: refused.code for name, refused in sorted(BAD.items())}
    write(bad / "codes.json", json.dumps(codes, indent=2) + "\n")


def write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


if __name__ == "__main__":
    main(force="--force" in sys.argv)
