"""What the API is asked with: who asks, and the JSON they send."""

from typing import IO, Any, cast

from django.contrib.auth.models import User
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox import auth
from rest_framework.exceptions import AuthenticationFailed, ParseError
from rest_framework.parsers import JSONParser
from rest_framework.request import Request


def person(request: Request) -> User:
    """Return whose token it is, in a view that IsAuthenticated guards."""
    return cast("User", request.user)


class TokenAuthentication(auth.TokenAuthentication):  # type: ignore[misc]
    """Knox's own, for which a header that is no text would be a failure of the server."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, Any]:
        if not token.isascii():
            raise AuthenticationFailed("Invalid token.")
        found: tuple[User, Any] = super().authenticate_credentials(token)
        return found


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
