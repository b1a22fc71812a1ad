"""Write the demo's e-mails: the same seed writes the same mail, whatever the count."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

from labeling.demo.hands import HANDS, scrawl

HERE = Path(__file__).parent

# When the first mail comes in; the others follow over sixty days.
SEASON = datetime(2026, 9, 1)  # noqa: DTZ001 - a date in a letter, in no time zone

# Shares of all mails. The rest states one matter plainly.
OUT_OF_SCOPE = 0.03
FOLLOW_UP = 0.06  # a terse line above a quoted conversation
UNQUOTED = 0.2  # of the follow-ups: only the subject tells what they are about
MIXED = 0.08  # two matters in one mail; the label is that of the one it was written for

# Shares of subjects; the rest fit.
NO_SUBJECT = 0.10
PLAIN_SUBJECT = 0.12  # says nothing
WRONG_SUBJECT = 0.04  # left over from another matter


@dataclass(frozen=True, slots=True)
class Mail:
    """One e-mail; labels holds the key of its label, or nothing when it is out of scope."""

    id: str
    subject: str
    text: str
    labels: tuple[str, ...]
    metadata: Mapping[str, str]


def generate(count: int, *, seed: int) -> Iterator[Mail]:
    """Yield *count* mails with different texts."""
    seen: set[str] = set()
    number = 0
    while len(seen) < count:
        number += 1
        mail = _Writer(random.Random(f"{seed}/{number}")).mail(f"mail-{number:05}")
        if mail.text not in seen:
            seen.add(mail.text)
            yield mail


@cache
def letters() -> dict[str, Any]:
    """Return what stands around a matter: greetings, asides, signatures, …."""
    return dict(json.loads((HERE / "letters.json").read_text()))


@cache
def matters() -> dict[str, dict[str, list[str]]]:
    """Return subjects and situations by label key."""
    files = sorted((HERE / "phrases").glob("*.json"))
    return {key: each for file in files for key, each in json.loads(file.read_text()).items()}


@cache
def _popularity() -> tuple[list[str], list[float]]:
    """Return label keys and their weights: few labels get much of the mail, as in life."""
    keys = sorted(matters())
    random.Random(7).shuffle(keys)
    return keys, [1 / (rank + 12) for rank in range(len(keys))]


class _Writer:
    """One sender writing one mail, with every choice drawn from *draw*."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.hand = draw.choices(list(HANDS), weights=[hand.share for hand in HANDS.values()])[0]
        self.facts = _facts(draw)

    def mail(self, mail_id: str) -> Mail:
        kind = self.draw.random()
        if kind < OUT_OF_SCOPE:
            stray = self.draw.choice(letters()["out_of_scope"])
            text = f"{stray['text']}\n\n{{name}}"
            return self._sent(mail_id, stray["subject"], text, labels=())
        key = self._any_matter()
        if kind < OUT_OF_SCOPE + FOLLOW_UP:
            subject = "Re: " + (self._subject(key) or "your message")
            text = self._follow_up(key)
        else:
            subject = self._subject(key)
            mixed = kind < OUT_OF_SCOPE + FOLLOW_UP + MIXED
            text = self._letter(self._two_matters(key) if mixed else self._one_matter(key))
        return self._sent(mail_id, subject, text, labels=(key,))

    def _sent(self, mail_id: str, subject: str, text: str, *, labels: tuple[str, ...]) -> Mail:
        metadata = {"from": self.facts["sender"], "received": self.facts["received"]}
        return Mail(mail_id, self._filled(subject), self._filled(text), labels, metadata)

    def _any_matter(self, besides: str = "") -> str:
        keys, weights = _popularity()
        while (key := self.draw.choices(keys, weights)[0]) == besides:
            pass
        return key

    def _one_of(self, options: Sequence[str]) -> str:
        return self.draw.choice(options)

    def _maybe(self, share: float, options: Sequence[str]) -> list[str]:
        return [self._one_of(options)] if self.draw.random() < share else []

    def _subject(self, key: str) -> str:
        kind = self.draw.random()
        if kind < NO_SUBJECT:
            return ""
        if kind < NO_SUBJECT + PLAIN_SUBJECT:
            return self._one_of(letters()["plain_subjects"])
        about = self._any_matter(key) if kind > 1 - WRONG_SUBJECT else key
        return self._one_of(matters()[about]["subjects"])

    def _one_matter(self, key: str) -> list[str]:
        count = 2 if self.draw.random() < 0.5 else 1
        said = self.draw.sample(matters()[key]["situations"], count)
        aside = self._maybe(0.25, letters()["asides"])
        return [*aside, *said] if self.draw.random() < 0.4 else [*said, *aside]

    def _two_matters(self, key: str) -> list[str]:
        main = self._one_of(matters()[key]["situations"])
        side = self._one_of(matters()[self._any_matter(key)]["situations"])
        if self.draw.random() < 0.3:
            return [side, self._one_of(letters()["detours"]), main]
        return [main, self._one_of(letters()["bridges"]) + " " + side]

    def _letter(self, body: Sequence[str]) -> str:
        """Return the body with all that this hand puts around it."""
        style, known = self.hand, letters()
        opening = self._maybe(HANDS[style].opens, known["openings"][style])
        paragraph = self._joined([*opening, *body, self._one_of(known["closings"][style])])
        sign_off = self._one_of(known["sign_offs"][style])
        own = [self._one_of(known["greetings"][style]), paragraph, f"{sign_off}\n{self._name()}"]
        text = scrawl("\n\n".join(part.strip() for part in own if part.strip()), style, self.draw)
        return "\n\n".join([text, *self._maybe(0.25, known["signatures"])])

    def _name(self) -> str:
        names = {"formal": "{name}", "plain": "{first_name}", "terse": "{initials}", "sloppy": ""}
        return names[self.hand]

    def _joined(self, sentences: Sequence[str]) -> str:
        kept = [sentence for sentence in sentences if sentence]
        breaks = (self.draw.choice([" ", " ", "\n\n"]) for _ in kept)
        return "".join(part for pair in zip(kept, breaks, strict=True) for part in pair).strip()

    def _follow_up(self, key: str) -> str:
        """Return a few words, mostly above the conversation that they are about."""
        said = self._one_of(letters()["follow_ups"])
        if self.draw.random() < UNQUOTED:
            return scrawl(f"{said}\n\n{self._name()}".strip(), self.hand, self.draw)
        first = self._letter(self._one_matter(key))
        quoted = "\n".join(f"> {line}".rstrip() for line in first.split("\n"))
        answer = self._maybe(0.5, letters()["agent_replies"])
        if self.draw.random() < 0.5:
            said += " " + self._one_of(matters()[key]["situations"])
        head = "On {before} {sender} wrote:"
        between = [f"On {{replied}} Northlight wrote:\n> {text}\n>" for text in answer]
        return "\n\n".join([scrawl(said, self.hand, self.draw), *between, f"{head}\n{quoted}"])

    def _filled(self, text: str) -> str:
        """Put this sender's facts into the gaps; the same gap is filled alike throughout."""
        gaps = (gap for _, gap, _, _ in Formatter().parse(text) if gap)
        facts = {gap: self.facts[gap] for gap in gaps}
        return text.format(**facts)


def _facts(draw: random.Random) -> dict[str, str]:
    """Return one sender's name, sums, dates and so on by gap."""
    known = letters()
    slots = {slot: draw.choice(options) for slot, options in known["slots"].items()}
    first, last = draw.choice(known["first_names"]), draw.choice(known["last_names"])
    address = f"{first}.{last}{draw.choice(['', '', draw.randrange(1960, 2004)])}".lower()
    received = SEASON + timedelta(minutes=draw.randrange(60 * 24 * 60))
    reading = draw.randrange(1_200, 92_000)
    return {
        **slots,
        "month2": draw.choice(known["slots"]["month"]),
        "name": f"{first} {last}",
        "first_name": first,
        "other": f"{draw.choice(known['first_names'])} {draw.choice(known['last_names'])}",
        "initials": f"{first[0]}. {last}",
        "sender": f"{address}@mail.example",
        "received": received.isoformat(sep=" ", timespec="minutes"),
        "today": _day(received, 0),
        "before": _day(received, -draw.randrange(5, 20)),
        "earlier": _day(received, -draw.randrange(21, 40)),
        "replied": _day(received, -draw.randrange(1, 4)),
        "deadline": _day(received, draw.randrange(7, 20)),
        "year": str(draw.randrange(1998, 2025)),
        "amount": f"£{draw.randrange(11, 150)}.{draw.randrange(100):02}",
        "sum": f"£{draw.randrange(160, 980)}.{draw.randrange(100):02}",
        "account": f"{draw.randrange(10**9, 10**10)}",
        "order": f"NL-{draw.randrange(10**5, 10**6)}",
        "phone": f"07700 900{draw.randrange(1000):03}",
        "reading": str(reading),
        "reading2": str(reading + draw.randrange(90, 900)),
        "days": str(draw.randrange(3, 20)),
        "speed": str(draw.randrange(2, 24)),
    }


def _day(start: datetime, days: int) -> str:
    day = start + timedelta(days=days)
    return f"{day.day} {day:%B}"
