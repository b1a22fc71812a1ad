"""The words of all documents, by which they are found (decision 0023).

Not atomic: documents that stand already are taken in a batch at a time, so that nobody waits long.
Stopped half-way, it begins again.

Whatever rebuilds the table of documents on SQLite drops the trigger with it, and must make it again.
"""

from django.db import migrations, transaction

BATCH = 2_000  # documents

SQLITE = [
    "DROP TRIGGER IF EXISTS labeling_document_deleted",
    "DROP TABLE IF EXISTS labeling_documentwords",
    """
    CREATE VIRTUAL TABLE labeling_documentwords USING fts5(
        project, words, content = '', tokenize = 'unicode61 remove_diacritics 2'
    )
    """,
    """
    CREATE TRIGGER labeling_document_deleted AFTER DELETE ON labeling_document
    WHEN EXISTS (SELECT 1 FROM labeling_documentwords_docsize WHERE id = old.id)
    BEGIN
        INSERT INTO labeling_documentwords (labeling_documentwords, rowid, project, words) VALUES (
            'delete', old.id, 'p' || old.project_id,
            old.subject || char(10) || substr(old.text, 1, 100000)
        );
    END
    """,
]
# The project is a word of its own, beginning with a space, as none of a text does. Signs become
# spaces, so that the parser sees no addresses, files or numbers with signs; accents fall away.
POSTGRESQL = [
    "DROP TRIGGER IF EXISTS labeling_document_words ON labeling_document",
    "DROP TABLE IF EXISTS labeling_documentwords",
    "CREATE TABLE labeling_documentwords (document_id bigint PRIMARY KEY, words tsvector NOT NULL)",
    r"""
    CREATE OR REPLACE FUNCTION document_words(project bigint, subject text, body text)
    RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT array_to_tsvector(ARRAY[' ' || project::text]) || to_tsvector('simple',
            regexp_replace(
                regexp_replace(
                    normalize(subject || E'\n' || left(body, 100000), NFD),
                    '[!-/:-@\[-`{-~]+', ' ', 'g'
                ),
                '[\u0300-\u036f]+', '', 'g'
            )
        )
    $$
    """,
    """
    CREATE OR REPLACE FUNCTION labeling_keep_words() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            INSERT INTO labeling_documentwords
            VALUES (new.id, document_words(new.project_id, new.subject, new.text))
            ON CONFLICT DO NOTHING;
        ELSE
            DELETE FROM labeling_documentwords WHERE document_id = old.id;
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER labeling_document_words AFTER INSERT OR DELETE ON labeling_document
    FOR EACH ROW EXECUTE FUNCTION labeling_keep_words()
    """,
]
FILL = {
    "sqlite": """
        INSERT INTO labeling_documentwords (rowid, project, words)
        SELECT id, 'p' || project_id, subject || char(10) || substr(text, 1, 100000)
        FROM labeling_document WHERE id > %s AND id <= %s
    """,
    "postgresql": """
        INSERT INTO labeling_documentwords
        SELECT id, document_words(project_id, subject, text)
        FROM labeling_document WHERE id > %s AND id <= %s
        ON CONFLICT DO NOTHING
    """,
}
# After it is filled, which is quicker.
POSTGRESQL_INDEX = "CREATE INDEX document_by_words ON labeling_documentwords USING gin (words)"
UNDONE = {
    "sqlite": SQLITE[:2],
    "postgresql": [
        *POSTGRESQL[:2],
        "DROP FUNCTION IF EXISTS labeling_keep_words",
        "DROP FUNCTION IF EXISTS document_words",
    ],
}


def make(_apps, schema_editor):
    connection = schema_editor.connection
    is_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        for statement in SQLITE if is_sqlite else POSTGRESQL:
            cursor.execute(statement)
        fill(connection, cursor)
        if not is_sqlite:
            cursor.execute(POSTGRESQL_INDEX)


def fill(connection, cursor):
    """Take in what stands already; what comes from now on is added as it is stored."""
    cursor.execute("SELECT COALESCE(MAX(id), 0) FROM labeling_document")
    (last,) = cursor.fetchone()
    for above in range(0, last, BATCH):
        with transaction.atomic(using=connection.alias):
            cursor.execute(FILL[connection.vendor], [above, min(above + BATCH, last)])


def unmake(_apps, schema_editor):
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        for statement in UNDONE[connection.vendor]:
            cursor.execute(statement)


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("labeling", "0008_label_aliases"),
    ]

    operations = [
        migrations.RunPython(make, unmake),
    ]
