"""`python -m tests.vectors.saml.generate`: writes the keys that are missing and all vectors anew.

Whatever an RSA key signs comes out the same each time. Signatures of the EC key don't, so its vectors are kept unless
`--force` is given.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from tests.vectors.saml.keys import make_keys
from tests.vectors.saml.world import FOLDER

# signed by the EC key
EC = {"good/ec_assertion", "bad/ec_signature_for_rsa_key"}


def main(*, force: bool) -> None:
    make_keys()
    from tests.vectors.saml.bad import BAD
    from tests.vectors.saml.good import GOOD
    from tests.vectors.saml.vendor_metadata import METADATA

    messages: dict[str, Callable[[], str | bytes]] = {
        f"good/{name}": accepted.written for name, accepted in GOOD.items()
    }
    messages |= {f"bad/{name}": refused.message for name, refused in BAD.items()}
    for name, message in messages.items():
        path = FOLDER / f"{name}.xml"
        if force or name not in EC or not path.exists():
            write(path, message())
    for name, accepted in GOOD.items():
        write(FOLDER / "good" / f"{name}.json", json.dumps(accepted.expected(), indent=2, ensure_ascii=False) + "\n")
    for name, described in METADATA.items():
        write(FOLDER / "metadata" / f"{name}.xml", described.written())
        text = json.dumps(described.expected(), indent=2, ensure_ascii=False)
        write(FOLDER / "metadata" / f"{name}.json", f"{text}\n")
    codes = {name: refused.code for name, refused in sorted(BAD.items())}
    write(FOLDER / "bad" / "codes.json", json.dumps(codes, indent=2) + "\n")


def write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


if __name__ == "__main__":
    main(force="--force" in sys.argv)
