"""POST a name and a password for a token; DELETE ends all of yours."""

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from labeling import tokens
from labeling.api.asked import person
from labeling.api.shapes import Credentials, Refusal, Refused, Token


@extend_schema(request=Credentials, responses={200: Token, 400: Refused, 429: Refusal}, auth=[])
@api_view(["POST"])
@authentication_classes([])
@permission_classes([AllowAny])
def take(request: Request) -> Response:
    """Take a token, which your programs send as `Authorization: Token …`."""
    words, until = tokens.grant(signing_in(request), now=timezone.now())
    return Response({"token": words, "expires_at": until})


@extend_schema(request=None, responses={204: None, 401: Refusal})
@api_view(["DELETE"])
def end_all(request: Request) -> Response:
    """End all your tokens, this one too."""
    tokens.revoke_all(person(request), now=timezone.now())
    return Response(status=204)


def signing_in(request: Request) -> User:
    """Return whose name and password these are; wrong ones count as at the sign-in page.

    Raises:
        ValidationError: they are nobody's, or somebody's who may not sign in.
    """
    credentials = Credentials(data=request.data)
    credentials.is_valid(raise_exception=True)
    plain = request._request  # what the lock-out knows
    found = authenticate(plain, **credentials.validated_data)
    if not isinstance(found, User):
        raise ValidationError({"detail": "Name and password do not belong together."})
    user_logged_in.send(sender=User, request=plain, user=found)
    return found
