"""What the API is asked with: who asks, and the JSON they send."""

from typing import IO, Any, cast

from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox import auth
from rest_framework.exceptions import AuthenticationFailed, ParseError
from rest_framework.parsers import JSONParser
from rest_framework.request import Request

from labeling import tokens


def person(request: Request) -> User:
    """Return whose token it is, in a view that IsAuthenticated guards."""
    return cast("User", request.user)


class TokenAuthentication(auth.TokenAuthentication):  # type: ignore[misc]
    """Knox's tokens in one query instead of two, and without one for each that has ended.

    A token is found by its digest. Knox compares digests in constant time, which guards against
    guessing one from the time it takes; what could be learnt here is the beginning of the SHA-512
    of a token, which tells nothing of the token.
    """

    def authenticate_credentials(self, token: bytes) -> tuple[User, Any]:
        if not token.isascii():  # a header that is no text would be a failure of the server
            raise AuthenticationFailed("Invalid token.")
        found = tokens.of(token.decode(), now=timezone.now())
        if found is None:
            raise AuthenticationFailed("Invalid token.")
        person: tuple[User, Any] = self.validate_user(found)
        return person


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]
    """What the schema says of it."""

    target_class = "labeling.api.asked.TokenAuthentication"


class Parser(JSONParser):
    """DRF's own, for which nesting without end would be a failure of the server."""

    def parse(self, stream: IO[Any], *args: Any, **options: Any) -> Any:
        try:
            return super().parse(stream, *args, **options)
        except RecursionError:
            raise ParseError("JSON parse error - nested too deeply") from None
