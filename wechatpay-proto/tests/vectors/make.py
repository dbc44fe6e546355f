#!/usr/bin/env python3
"""Writes the request stages of every vector folder from its context.toml, with a signer that shares nothing with the library.

`make.py` rewrites request.xml, string-to-sign.txt and sign.txt; `make.py --check` exits with 1 if one of them differs.
No stage ends with a line break. reply.xml is not made here: answers are samples, or written by hand after them.

The text that is signed: every field with a non-empty value except sign, sorted by name, joined as name=value with &,
then &key= and the key. MD5, or HMAC-SHA256 keyed with the same key; upper-case hex.
"""

import hashlib
import sys
import tomllib
from pathlib import Path

# Strings stand in CDATA, integers bare; of the strings only an address is bare.
BARE = {"client_ip"}


def hmac_sha256(key, message):
    """RFC 2104, spelt out."""
    key = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in key) + inner).hexdigest()


def element(name, value):
    text = str(value)
    if isinstance(value, int) or name in BARE:
        body = text
    elif "]]>" in text:
        body = text
        for raw, escaped in [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("'", "&apos;"), ('"', "&quot;")]:
            body = body.replace(raw, escaped)
    else:
        body = f"<![CDATA[{text}]]>"
    return f"<{name}>{body}</{name}>"


def stages(context):
    fields = {"mch_id": context["mch_id"], "nonce_str": context["nonce"], **context["fields"]}
    fields = [(name, fields[name]) for name in sorted(fields) if fields[name] != ""]
    string_to_sign = "".join(f"{name}={value}&" for name, value in fields) + "key="
    message, key = (string_to_sign + context["key"]).encode(), context["key"].encode()
    if context.get("sign_type", "MD5") == "MD5":
        sign = hashlib.md5(message).hexdigest().upper()
    else:
        sign = hmac_sha256(key, message).upper()
    document = "".join(element(name, value) for name, value in fields + [("sign", sign)])
    return {"request.xml": f"<xml>{document}</xml>", "string-to-sign.txt": string_to_sign, "sign.txt": sign}


def main():
    check = sys.argv[1:] == ["--check"]
    contexts = sorted(Path(__file__).parent.rglob("context.toml"))
    stale = [] if contexts else ["no context.toml at all"]
    for context in contexts:
        for name, content in stages(tomllib.loads(context.read_text("utf-8"))).items():
            stage, content = context.with_name(name), content.encode()
            if not check:
                stage.write_bytes(content)
            elif not stage.is_file() or stage.read_bytes() != content:
                stale.append(f"differs: {stage}")
    print("\n".join(stale) or f"{len(contexts)} folders")
    sys.exit(bool(stale))


if __name__ == "__main__":
    main()
