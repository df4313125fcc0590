"""A stand-in for an OpenID provider that does as it is told, wrong things included.

It has real keys and a real port. A person's sign-in at it is `answer`: the address that it would
send their browser back to.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT = "lantern"
SECRET = "a secret of the tests, long enough to sign with"


class FakeProvider:
    """Use as a context; what it says is changed by its attributes."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"})
        self.metadata: dict[str, Any] = {}
        """What the discovery document says otherwise."""
        self.refused: set[str] = set()
        """Paths that are answered with an error."""
        self.asked: list[str] = []
        """The paths that were asked for."""
        self._codes: dict[str, tuple[dict[str, str], str]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._say(*provider.get(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._say(*provider.exchange(_single(body), self.headers["Authorization"]))

            def _say(self, status: int, answer: dict[str, Any]) -> None:
                said = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Return the discovery document or the keys."""
        self.asked.append(path)
        if path in self.refused:
            return 503, {}
        if path == "/keys":
            return 200, {"keys": [self.key.as_dict(private=False)]}
        names = {"authorization_endpoint": "/auth", "token_endpoint": "/token", "jwks_uri": "/keys"}
        found = {name: self.issuer + place for name, place in names.items()}
        return 200, {"issuer": self.issuer} | found | self.metadata

    def exchange(
        self, form: dict[str, str], authorization: str | None
    ) -> tuple[int, dict[str, Any]]:
        """Return the ID token for a code: once, to the client that has the verifier."""
        self.asked.append("/token")
        if "/token" in self.refused:
            return 503, {}
        asked, token = self._codes.pop(form["code"], ({}, ""))
        given = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        proved = (
            authorization == f"Basic {given}"
            and asked.get("code_challenge") == challenge
            and asked.get("redirect_uri") == form["redirect_uri"]
        )
        if not proved:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": token}

    def answer(self, address: str, subject: str = "u1", **claims: Any) -> str:
        """Where somebody is sent back to who was sent to `address`; `claims` replace the usual."""
        return self.answer_with(
            address, lambda asked: self.signed(self.claims(asked, subject) | claims)
        )

    def answer_with(self, address: str, token: Callable[[dict[str, str]], str]) -> str:
        """Answer with any ID token, made from what was asked."""
        parts = urlsplit(address)
        assert address.startswith(f"{self.issuer}/auth?")
        asked, code = _single(parts.query), secrets.token_urlsafe(8)
        assert asked["code_challenge_method"] == "S256"
        assert asked["scope"] == "openid"
        self._codes[code] = (asked, token(asked))
        back = urlsplit(asked["redirect_uri"])
        return f"{back.path}?{urlencode({'code': code, 'state': asked['state']})}"

    def claims(self, asked: dict[str, str], subject: str = "u1") -> dict[str, Any]:
        """Return what a good ID token says."""
        now = int(self.now().timestamp())
        return {
            "iss": self.issuer,
            "sub": subject,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
        }

    def signed(self, claims: dict[str, Any]) -> str:
        """Signed with the provider's key."""
        return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.key)

    def signed_by_another(self, claims: dict[str, Any]) -> str:
        """Signed with a key that only calls itself the provider's."""
        return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, RSAKey.generate_key(2048))

    def signed_by_the_secret(self, claims: dict[str, Any]) -> str:
        """Signed with what the client has as well."""
        key = OctKey.import_key(SECRET)
        return jwt.encode({"alg": "HS256", "kid": "k1"}, claims, key, algorithms=["HS256"])

    def signed_by_the_public_key(self, claims: dict[str, Any]) -> str:
        """Signed with what everybody has, as if it were a secret."""
        key = OctKey.import_key(base64.b64encode(self.key.as_der(private=False)).decode())
        return jwt.encode({"alg": "HS256", "kid": "k1"}, claims, key, algorithms=["HS256"])

    def unsigned(self, claims: dict[str, Any]) -> str:
        """Signed by nobody: "alg": "none"."""
        parts = (json.dumps(each).encode() for each in ({"alg": "none", "kid": "k1"}, claims))
        return ".".join(base64.urlsafe_b64encode(each).decode().rstrip("=") for each in parts) + "."

    def __enter__(self) -> FakeProvider:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _single(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
