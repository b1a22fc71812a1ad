"""Cut an e-mail's text into what it says and what it only repeats, to fold the latter."""

import re
from dataclasses import dataclass

# "On 3 May 2026 at 10:12, Jo Smith wrote:" and the forwarding lines of common mail programs.
LEAD_IN = re.compile(
    r"^(On .{1,200}wrote:|Am .{1,200}schrieb.{0,80}:|Le .{1,200}a écrit\s?:|"
    r"-{2,}\s?(Original|Forwarded) [Mm]essage\s?-{2,})\s*$"
)
SIGNATURE = "-- "  # RFC 3676 §4.3; many programs strip the trailing space


@dataclass(frozen=True, slots=True)
class Part:
    """A run of lines. `folded` names what is folded away; empty for what the writer says."""

    text: str
    folded: str = ""


def parts(text: str) -> list[Part]:
    """Cut *text* into runs of lines, in order, that together hold every line of it.

    Quoted lines (with the lead-in before them) and everything from the signature mark on are
    folded. A text that is nothing but quotes is shown whole: folding it would hide everything.
    """
    runs: list[tuple[str, list[str]]] = []
    signed = False
    for line in text.splitlines():
        signed = signed or line == SIGNATURE or (line == "--" and bool(runs))
        kind = "signature" if signed else "quoted text" if _is_quoted(line) else ""
        if not kind and not line.strip() and runs and runs[-1][0]:
            kind = runs[-1][0]  # an empty line between quoted ones belongs to them
        if not runs or runs[-1][0] != kind:
            runs.append((kind, []))
        runs[-1][1].append(line)
    found = [Part("\n".join(lines).strip("\n"), kind) for kind, lines in runs]
    found = [part for part in found if part.text.strip()]
    if any(not part.folded for part in found):
        return found
    return [Part(text.strip("\n"))] if text.strip() else []


def _is_quoted(line: str) -> bool:
    return line.lstrip().startswith(">") or bool(LEAD_IN.match(line))
