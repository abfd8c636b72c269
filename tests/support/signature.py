"""Whether a request was really signed with AWS Signature Version 4, checked by computing the signature again."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ACCESS_KEY = "AKIDOFTHETESTS"
SECRET_KEY = "secret/of+the+tests"
REGION = "eu-west-3"
SERVICE = "sagemaker"
"""The name to sign with, whatever the host is called."""

MUST_BE_SIGNED = {"host", "x-amz-date"}
MAX_SKEW_SECONDS = 900


def fault(method: str, path: str, headers: Mapping[str, str], body: bytes, token: str | None = None) -> str | None:
    """What is wrong with the signature of a request, or nothing; names of ``headers`` are in lower case."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme != "AWS4-HMAC-SHA256":
        return f"Authorization must begin with AWS4-HMAC-SHA256, not {scheme!r}"
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    key, date, region, service, _ = (parts["Credential"].split("/", 4) + [""] * 4)[:5]
    signed = set(parts["SignedHeaders"].split(";"))
    stamp = headers.get("x-amz-date", "")
    checks = {
        f"the key must be {ACCESS_KEY!r}, not {key!r}": key == ACCESS_KEY,
        f"the region must be {REGION!r}, not {region!r}": region == REGION,
        f"the service must be {SERVICE!r}, not {service!r}": service == SERVICE,
        f"the date of the scope must be that of X-Amz-Date {stamp!r}, not {date!r}": stamp.startswith(date),
        f"X-Amz-Date must be of the last quarter of an hour, not {stamp!r}": recent(stamp),
        f"host and x-amz-date must be signed, not only {sorted(signed)}": signed >= MUST_BE_SIGNED,
        "X-Amz-Content-Sha256 is not of this body": hash_holds(headers, body),
        f"X-Amz-Security-Token must be {token!r}": headers.get("x-amz-security-token") == token,
    }
    wrong = [said for said, holds in checks.items() if not holds]
    if not wrong and not hmac.compare_digest(parts["Signature"], signature(method, path, headers, body, signed)):
        wrong = ["the signature is not that of this request and the secret key of the tests"]
    return "; ".join(wrong) or None


def recent(stamp: str) -> bool:
    """Whether a time as AWS writes it is near now."""
    try:
        at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs((datetime.now(UTC) - at).total_seconds()) < MAX_SKEW_SECONDS


def hash_holds(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the hash of the body, where one is sent, is that of the body."""
    return headers.get("x-amz-content-sha256") in (None, hashlib.sha256(body).hexdigest())


def signature(method: str, path: str, headers: Mapping[str, str], body: bytes, signed: set[str]) -> str:
    """The signature that the SDK's own signer gives this request."""
    kept = {name: value for name, value in headers.items() if name in signed}
    request = AWSRequest(method, f"http://{headers['host']}{path}", headers=kept, data=body)
    request.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), SERVICE, REGION)
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    return str(signer.signature(to_sign, request))
