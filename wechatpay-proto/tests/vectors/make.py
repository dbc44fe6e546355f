#!/usr/bin/env python3
"""Writes the request stages of every vector folder from its context.toml, with a signer that shares nothing with the library.

`make.py` rewrites request.xml, string-to-sign.txt and sign.txt, and with an agent_secret workwx-string-to-sign.txt and
workwx-sign.txt; `make.py --check` exits with 1 if one of them differs. No stage ends with a line break.
reply.xml is not made here: answers are samples, or written by hand after them. But where one has a sign, that is: the
samples print a sign that fits nothing, so the right one is put in its place.

The text that is signed: every field with a non-empty value except sign, sorted by name, joined as name=value with &,
then &key= and the key. MD5, or HMAC-SHA256 keyed with the same key; upper-case hex.
workwx_sign covers seven fields only and ends with &secret= and the secret of the application. MD5, upper-case hex.
"""

import hashlib
import re
import sys
import tomllib
import xml.etree.ElementTree
from pathlib import Path

# Strings stand in CDATA, integers bare; of the strings only an address is bare.
BARE = {"client_ip"}

WORKWX_SIGN_OVER = ["act_name", "mch_billno", "mch_id", "nonce_str", "re_openid", "total_amount", "wxappid"]


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


def text_of(fields, end):
    """Up to the key, which follows `end`."""
    return "".join(f"{name}={fields[name]}&" for name in sorted(fields) if fields[name] != "") + f"{end}="


def md5(text):
    return hashlib.md5(text.encode()).hexdigest().upper()


def sign_of(context, text):
    if context.get("sign_type", "MD5") == "MD5":
        return md5(text + context["key"])
    return hmac_sha256(context["key"].encode(), (text + context["key"]).encode()).upper()


def stages(context):
    fields = {"mch_id": context["mch_id"], "nonce_str": context["nonce"], **context["fields"]}
    made = {}
    if "agent_secret" in context:
        text = text_of({name: fields[name] for name in WORKWX_SIGN_OVER}, "secret")
        fields["workwx_sign"] = md5(text + context["agent_secret"])
        made |= {"workwx-string-to-sign.txt": text, "workwx-sign.txt": fields["workwx_sign"]}
    text = text_of(fields, "key")
    sign = sign_of(context, text)
    present = [(name, fields[name]) for name in sorted(fields) if fields[name] != ""]
    document = "".join(element(name, value) for name, value in present + [("sign", sign)])
    return made | {"request.xml": f"<xml>{document}</xml>", "string-to-sign.txt": text, "sign.txt": sign}


def signed_reply(context, reply):
    """The same bytes with the right sign in their place; nothing where the answer has no sign."""
    if "<sign>" not in reply:
        return {}
    fields = {leaf.tag: leaf.text or "" for leaf in xml.etree.ElementTree.fromstring(reply) if leaf.tag != "sign"}
    sign = sign_of(context, text_of(fields, "key"))
    return {"reply.xml": re.sub(r"(?<=<sign>)(<!\[CDATA\[)?[^<\]]*", lambda old: (old[1] or "") + sign, reply)}


def main():
    check = sys.argv[1:] == ["--check"]
    contexts = sorted(Path(__file__).parent.rglob("context.toml"))
    stale = [] if contexts else ["no context.toml at all"]
    for path in contexts:
        context, reply = tomllib.loads(path.read_text("utf-8")), path.with_name("reply.xml")
        made = stages(context)
        if reply.is_file():
            made |= signed_reply(context, reply.read_bytes().decode())
        for name, content in made.items():
            stage, content = path.with_name(name), content.encode()
            if not check:
                stage.write_bytes(content)
            elif not stage.is_file() or stage.read_bytes() != content:
                stale.append(f"differs: {stage}")
    print("\n".join(stale) or f"{len(contexts)} folders")
    sys.exit(bool(stale))


if __name__ == "__main__":
    main()
