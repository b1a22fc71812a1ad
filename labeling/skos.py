"""Taxonomies as SKOS in Turtle (W3C Recommendation, 2009), for other tools; and back without loss.

A label is a `skos:Concept`: its name the preferred label, its id the notation, the one above it
`skos:broader`. What SKOS has no word for stands under Tiebreak's own: exclusions, that a label only
groups, and that only one of those below it is given. Files of other tools need none of these. Only
Turtle is read: of what RDF can be written in it alone can make no reader fetch another address.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote, unquote

import rdflib
from rdflib import RDF, BNode, Graph, Literal, Namespace, URIRef
from rdflib.collection import Collection
from rdflib.namespace import DCTERMS, OWL, SKOS

from labeling.document_fields import clean
from labeling.taxonomy_entries import BadTaxonomy, Problem, TaxonomyEntry

LABEL: Final = "urn:tiebreak:label:"
OWN: Final = Namespace("urn:tiebreak:")
NAMELESS: Final = "a concept without an address needs a skos:notation"
MOST: Final = 20_000  # concepts
rdflib.NORMALIZE_LITERALS = False
"""Numbers stay as they are written: one of few digits may stand for one of millions."""
SCHEME: Final = URIRef("urn:tiebreak:taxonomy")


def write(entries: Sequence[TaxonomyEntry]) -> str:
    """Return *entries* as Turtle, in their order."""
    graph = Graph()
    graph.bind("skos", SKOS)
    graph.bind("tiebreak", OWN)
    graph.add((SCHEME, RDF.type, SKOS.ConceptScheme))
    order = BNode()
    graph.add((SCHEME, OWN.order, order))
    Collection(graph, order, [_iri(entry.key) for entry in entries])
    for entry in entries:
        for said, what in _statements(entry, graph):
            graph.add((_iri(entry.key), said, what))
    return graph.serialize(format="turtle")


def _iri(key: str) -> URIRef:
    return URIRef(LABEL + quote(key, safe=""))


def _statements(entry: TaxonomyEntry, graph: Graph) -> Iterator[tuple[URIRef, Any]]:
    yield RDF.type, SKOS.Concept
    yield SKOS.inScheme, SCHEME
    yield SKOS.notation, Literal(entry.key)
    yield SKOS.prefLabel, Literal(entry.name)
    for said, key in ((SKOS.broader, entry.parent), (DCTERMS.isReplacedBy, entry.successor)):
        if key is not None:
            yield said, _iri(key)
    flags = (
        (OWN.groupsOnly, not entry.assignable),
        (OWN.onlyOne, entry.only_one),
        (OWL.deprecated, entry.retired),
    )
    yield from ((said, Literal(is_so)) for said, is_so in flags if is_so)
    if entry.description:
        yield SKOS.definition, Literal(entry.description)
    yield from ((SKOS.related, _iri(other)) for other in entry.overlaps)
    yield from _several(graph, SKOS.altLabel, OWN.aliases, entry.aliases)
    yield from _several(graph, SKOS.example, OWN.examples, entry.examples)
    yield from _exclusions_of(graph, entry)


def _several(
    graph: Graph, plain: URIRef, ordered: URIRef, texts: Sequence[str]
) -> Iterator[tuple[URIRef, Any]]:
    """Say *texts* as SKOS does, and where there are several in their order, which it keeps not."""
    yield from ((plain, Literal(text)) for text in texts)
    if len(texts) > 1:
        yield ordered, _list(graph, [Literal(text) for text in texts])


def _exclusions_of(graph: Graph, entry: TaxonomyEntry) -> Iterator[tuple[URIRef, Any]]:
    if entry.exclusions:
        yield OWN.exclusions, _list(graph, [_exclusion(graph, *one) for one in entry.exclusions])
    for situation, use in entry.exclusions:  # for who knows SKOS alone
        yield SKOS.scopeNote, Literal(f"Not for {situation}" + (f"; use {use}" if use else ""))


def _list(graph: Graph, members: Sequence[Any]) -> BNode:
    node = BNode()
    Collection(graph, node, list(members))
    return node


def _exclusion(graph: Graph, situation: str, use: str | None) -> BNode:
    node = BNode()
    graph.add((node, OWN.situation, Literal(situation)))
    if use is not None:
        graph.add((node, OWN.use, _iri(use)))
    return node


def read(text: str) -> list[TaxonomyEntry]:
    """Return the labels of a Turtle file.

    Raises:
        BadTaxonomy: it is no Turtle, or holds no concept.
    """
    graph = Graph()
    try:
        graph.parse(data=text, format="turtle")
        concepts = _concepts(graph)
        keys = {node: _key(graph, node) for node in concepts}
        entries = [_entry(graph, node, keys, row) for row, node in enumerate(concepts, 1)]
    except Exception as error:
        said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        remedy = "Send Turtle that a SKOS tool wrote, JSON, or CSV."
        raise BadTaxonomy([Problem(0, "file", f"no valid Turtle: {said}", remedy)]) from error
    if not entries:
        remedy = "Describe each label as a skos:Concept with a skos:prefLabel."
        raise BadTaxonomy([Problem(0, "file", "it holds no skos:Concept", remedy)])
    if len(entries) > MOST:
        raise BadTaxonomy([Problem(0, "file", f"more than {MOST:,} concepts", "Is it a taxonomy?")])
    return entries


def _concepts(graph: Graph) -> list[Any]:
    """Return the concepts in the order that was written, those of other tools by their names."""
    found = set(graph.subjects(RDF.type, SKOS.Concept))
    ordered: dict[Any, None] = {}
    for order in graph.objects(None, OWN.order):
        ordered |= {node: None for node in graph.items(order) if node in found}
    rest = sorted(
        found - ordered.keys(), key=lambda node: (_text(graph, node, SKOS.prefLabel), str(node))
    )
    return [*ordered, *rest]


def _key(graph: Graph, node: Any) -> str:
    if notation := _text(graph, node, SKOS.notation):
        return notation
    if isinstance(node, BNode):
        raise ValueError(NAMELESS)  # noqa: TRY004 - what it says of the file
    said = str(node)
    return unquote(said.removeprefix(LABEL).rstrip("/#").rsplit("/", 1)[-1].rsplit("#", 1)[-1])


def _entry(graph: Graph, node: Any, keys: dict[Any, str], row: int) -> TaxonomyEntry:
    def one(said: URIRef) -> str | None:
        return min((keys.get(each, str(each)) for each in graph.objects(node, said)), default=None)

    def truth(said: URIRef) -> bool:
        return any(str(each).lower() in ("true", "1") for each in graph.objects(node, said))

    narrower_of = [keys[each] for each in graph.subjects(SKOS.narrower, node) if each in keys]
    related = {*graph.objects(node, SKOS.related), *graph.subjects(SKOS.related, node)}
    return TaxonomyEntry(
        key=keys[node],
        name=_text(graph, node, SKOS.prefLabel) or keys[node],
        parent=one(SKOS.broader) or min(narrower_of, default=None),
        description=_text(graph, node, SKOS.definition),
        exclusions=tuple(_exclusions(graph, node, keys)),
        assignable=not truth(OWN.groupsOnly),
        examples=_texts(graph, node, OWN.examples, SKOS.example),
        overlaps=tuple(sorted(keys[each] for each in related if each in keys)),
        retired=truth(OWL.deprecated),
        aliases=_texts(graph, node, OWN.aliases, SKOS.altLabel),
        successor=one(DCTERMS.isReplacedBy),
        only_one=truth(OWN.onlyOne),
        row=row,
    )


def _text(graph: Graph, node: Any, said: URIRef) -> str:
    """Return the text that *node* has, in English or without a language before any other."""
    found = sorted(
        graph.objects(node, said),
        key=lambda each: (getattr(each, "language", None) or "") not in ("", "en"),
    )
    return clean(str(found[0])).strip() if found else ""


def _texts(graph: Graph, node: Any, ordered: URIRef, plain: URIRef) -> tuple[str, ...]:
    texts = sorted(str(each) for each in graph.objects(node, plain))
    for order in graph.objects(node, ordered):
        texts = [str(each) for each in graph.items(order)]
    cleaned = (clean(text).strip() for text in texts)
    return tuple(dict.fromkeys(text for text in cleaned if text))


def _exclusions(graph: Graph, node: Any, keys: dict[Any, str]) -> Iterator[tuple[str, str | None]]:
    for order in graph.objects(node, OWN.exclusions):
        for each in graph.items(order):
            use = next(iter(graph.objects(each, OWN.use)), None)
            yield _text(graph, each, OWN.situation), keys.get(use, str(use)) if use else None
