"""The binary form in which kubectl and Helm send what they make themselves: namespaces and Secrets."""

from base64 import b64encode
from typing import Any

MAGIC = b"k8s\x00"


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number in seven bits a byte, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data: bytes) -> dict[int, list[bytes]]:
    """What stands under each number; numbers as values are left out, since nothing that is asked for is one."""
    found: dict[int, list[bytes]] = {}
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        size, at = varint(data, at)
        if key & 7 == 2:
            found.setdefault(key >> 3, []).append(data[at : at + size])
            at += size
        elif key & 7 != 0:
            raise ValueError(f"field {key >> 3} must be a number or bytes, not of wire type {key & 7}")
    return found


def text(found: dict[int, list[bytes]], number: int) -> str:
    """The text under a number; empty when there is none."""
    return found.get(number, [b""])[0].decode()


def pairs(entries: list[bytes]) -> dict[str, bytes]:
    """A map."""
    each = [fields(entry) for entry in entries]
    return {text(entry, 1): entry.get(2, [b""])[0] for entry in each}


def resource(body: bytes) -> dict[str, Any]:
    """A namespace or Secret as JSON has it; raises ``ValueError`` for anything else."""
    envelope = fields(body.removeprefix(MAGIC))
    kind = fields(envelope[1][0])
    about = {"apiVersion": text(kind, 1), "kind": text(kind, 2)}
    if about["kind"] not in ("Namespace", "Secret"):
        raise ValueError(f"the simulated cluster reads namespaces and Secrets in this form, not {about}")
    found = fields(envelope[2][0])
    metadata = fields(found[1][0])
    labels = {name: value.decode() for name, value in pairs(metadata.get(11, [])).items()}
    made: dict[str, Any] = about | {"metadata": {"name": text(metadata, 1), "labels": labels}}
    if about["kind"] == "Secret":
        data = {name: b64encode(value).decode() for name, value in pairs(found.get(2, [])).items()}
        made |= {"data": data, "type": text(found, 3)}
    return made
