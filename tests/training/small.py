"""A small world that trains in seconds: an encoder of two thin layers, four labels, a few mails."""

import json
import random
from pathlib import Path

from django.utils import timezone

from inference.weights import PACKAGED, directory_of
from tests.factories import (
    DocumentFactory,
    GoldLabelFactory,
    LabelFactory,
    ProjectFactory,
    TaxonomyVersionFactory,
)
from training import schedule

TOPICS = {
    "Refund": ("Money back for a purchase.", "refund money back return purchase"),
    "Card": ("A lost or broken card.", "card lost broken stolen replace"),
    "Password": ("Signing in does not work.", "password login sign reset account"),
    "Delivery": ("A parcel is late or missing.", "parcel delivery late courier missing"),
}
FILLERS = (
    "please today help again urgently thanks yesterday hello team quickly monday number green "
    "house window summer office phone letter paper table river music garden winter coffee street "
    "market doctor kitchen bridge train orange silver mountain island button camera ticket engine"
)


def build_encoder(folder: Path, *, blind: bool = False) -> Path:
    """Write a random encoder with the built-in one's vocabulary below *folder*.

    A blind one is slower and tells no word from another: anything beats it.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import AutoTokenizer, BertConfig, BertModel

    packaged = directory_of(PACKAGED)
    tokenizer = AutoTokenizer.from_pretrained(str(packaged))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=8 if blind else 2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    bare = folder / "bare"
    model = BertModel(config)
    with torch.no_grad():  # words far apart and nothing else: else all mails are near-duplicates
        words, places = model.embeddings.word_embeddings, model.embeddings.position_embeddings
        (places if blind else words).weight.normal_()
        (words if blind else places).weight.zero_()
    model.save_pretrained(str(bare))
    tokenizer.save_pretrained(str(bare))
    transformer = Transformer(str(bare))
    transformer.max_seq_length = 48
    whole = SentenceTransformer(modules=[transformer, Pooling(32), Normalize()], device="cpu")
    whole.save_pretrained(str(folder / "encoder"), create_model_card=False)
    return folder / "encoder"


def text_of(topic: str, number: int) -> str:
    """Return the *number*-th mail about *topic*: some of its words among many others.

    Words are tied together, so that hardly two mails share one: only an encoder, which reads the
    pieces, can tell topics apart.
    """
    chance = random.Random(f"{topic} {number}")
    words, others = chance.sample(TOPICS[topic][1].split(), 3), chance.sample(FILLERS.split(), 6)
    pairs = zip(others[:3], words, others[3:], strict=True)
    return " ".join("_".join(pair) for pair in pairs)


def build_project(encoder: Path | str, mails: int = 30, **fields: object) -> ProjectFactory:
    """Return a project with *mails* gold documents of each label."""
    project = ProjectFactory(slug="small", name="Small", encoder=str(encoder), **fields)
    TaxonomyVersionFactory(project=project)
    for position, (name, (description, _)) in enumerate(TOPICS.items()):
        label = LabelFactory(
            project=project,
            key=name.lower(),
            name=name,
            description=description,
            position=position,
        )
        for number in range(mails):
            document = DocumentFactory(
                project=project,
                subject="",
                text=text_of(name, number),
                gold_at=timezone.now(),
            )
            GoldLabelFactory(project=project, document=document, label=label)
    return project


def write_files(folder: Path, mails: int) -> tuple[Path, Path]:
    """Write the same world as files for the import commands: taxonomy and documents."""
    taxonomy, documents = folder / "taxonomy.json", folder / "mails.jsonl"
    taxonomy.write_text(
        json.dumps(
            [
                {"id": name.lower(), "name": name, "parent": None, "description": description}
                for name, (description, _) in TOPICS.items()
            ]
        )
    )
    rows = [
        {"id": f"{name}-{number}", "text": text_of(name, number), "labels": [name.lower()]}
        for name in TOPICS
        for number in range(mails)
    ]
    documents.write_text("\n".join(json.dumps(row) for row in rows))
    return taxonomy, documents


def train(project, **parameters):
    """Ask for a run that learns something in seconds."""
    parameters = {"epochs": 2, "batch": 16, "rate": 2e-3, **parameters}
    return schedule.request(project, actor=None, now=timezone.now(), parameters=parameters)
