"""A project of the desk's own tests, without a model, which learns nothing; people join it."""

from django.utils import timezone

from labeling.models import Document, Label, Project, TaxonomyVersion
from tests.labeling.concurrency import predict

SLUG = "mailroom"
REVIEW = f"/p/{SLUG}/review/"
LABELS = {
    "Card lost": ("It is gone, and nobody else is known to have it.", []),
    "Card stolen": ("Somebody took it.", []),
    "Card delayed": ("It was sent and has not come.", []),
    "Refund missing": ("The shop says it paid, the account says nothing.", ["Money back"]),
    "Fee disputed": ("A charge is not right.", []),
} | {f"Matter {n}": ("", []) for n in range(20)}
CANDIDATES = 3  # the first of these
DOCUMENTS = 150

MAKE = "from tests.e2e.mailroom import make; make()"
JOIN = """
from django.contrib.auth.models import User
from labeling.models import Membership, Project
project = Project.objects.get(slug="mailroom")
for name, password in {people}:
    person = User.objects.create_user(name, password=password)
    Membership.objects.create(project=project, user=person, role="{role}")
"""


def make():
    """Make the project, all of its documents being close calls; called in the shell."""
    now = timezone.now()
    project = Project.objects.create(
        slug=SLUG,
        name="Mailroom",
        created_at=now,
        refit_every=10_000,  # a new batch amid a test would change which task comes next
    )
    TaxonomyVersion.objects.create(project=project, number=1, published_at=now)
    labels = Label.objects.bulk_create(
        Label(project=project, key=name, name=name, description=description, aliases=aliases)
        for name, (description, aliases) in LABELS.items()
    )
    documents = Document.objects.bulk_create(
        Document(
            project=project,
            external_id=str(n),
            subject=f"Letter {n}",
            text=f"I wrote to you {n} days ago about my card, and the money.",
            fingerprint=f"{n:064x}",
            imported_at=now,
        )
        for n in range(DOCUMENTS)
    )
    predict(project, [each.pk for each in documents], labels[:CANDIDATES], "a", 0.1)


def open_mailroom(tiebreak):
    shell(tiebreak, MAKE)


def join(tiebreak, *names, role="reviewer"):
    """Let people who are new become members; their names are their passwords, backwards."""
    tiebreak.passwords |= {name: name[::-1] for name in names}
    people = [(name, tiebreak.passwords[name]) for name in names]
    shell(tiebreak, JOIN.format(people=people, role=role))


def shell(tiebreak, code):
    """Run *code* in the shell of the running Tiebreak and return what it printed."""
    return tiebreak.manage("shell", "--no-imports", "--command", code)
