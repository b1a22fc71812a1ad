import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from labeling import tokens


def speaking_for(person):
    token, _ = tokens.grant(person, now=timezone.now())
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return api


@pytest.fixture
def api(reviewer):
    """A program that speaks for the reviewer."""
    return speaking_for(reviewer)


@pytest.fixture
def other_api(other_reviewer):
    return speaking_for(other_reviewer)
