import csv
import gzip
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling import document_files, text_lines
from labeling.document_fields import ID_LIMIT, SUBJECT_LIMIT, TEXT_LIMIT
from labeling.document_files import DocumentFile
from labeling.documents import BadRow, Row


def file_of(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return DocumentFile(path)


def rows_of(tmp_path, content):
    return list(file_of(tmp_path, content))


def only_row(tmp_path, **fields):
    (row,) = rows_of(tmp_path, json.dumps(fields))
    return row


def test_a_row_of_jsonl_becomes_a_document(tmp_path):
    row = only_row(
        tmp_path, id="m1", subject="Card", text="It is lost.", metadata={"a": 1}, labels=["lost"]
    )

    assert row == Row("m1", "It is lost.", "Card", {"a": 1}, ("lost",), line=1)


def test_csv_and_jsonl_say_the_same(tmp_path):
    text = 'Dear team,\n"where" is it; now?'
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["id", "subject", "text", "metadata", "labels"])
    writer.writerow(["m1", "Card", text, '{"a": 1}', "lost; late"])

    (from_csv,) = rows_of(tmp_path, buffer.getvalue())
    from_jsonl = only_row(
        tmp_path, id="m1", subject="Card", text=text, metadata={"a": 1}, labels=["lost", "late"]
    )

    assert (from_csv.external_id, from_csv.subject, from_csv.text) == ("m1", "Card", text)
    assert (from_csv.metadata, from_csv.labels) == (from_jsonl.metadata, from_jsonl.labels)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_is_read_with_the_delimiter_of_its_header(tmp_path, delimiter):
    content = f"id{delimiter}text\nm1{delimiter}Hello\n"

    assert rows_of(tmp_path, content)[0].text == "Hello"


def test_a_csv_cell_neutralised_for_spreadsheets_is_restored(tmp_path):
    assert rows_of(tmp_path, "id,text\nm1,'=SUM(A1)\n")[0].text == "=SUM(A1)"


def test_compressed_jsonl_is_read(tmp_path):
    content = gzip.compress(b'{"id": "m1", "text": "Hello"}\n')

    assert rows_of(tmp_path, content)[0].external_id == "m1"


def test_a_compressed_file_that_ends_early_keeps_its_rows_and_reports_the_end(tmp_path):
    lines = b"".join(b'{"id": "%d", "text": "t%d"}\n' % (n, n) for n in range(20_000))
    whole = gzip.compress(lines)
    *good, last = rows_of(tmp_path, whole[: len(whole) * 2 // 3])

    assert len(good) > 1_000
    assert isinstance(last, BadRow)
    assert "ends early" in last.reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{broken", "no valid JSON"),
        ('["a"]', "must be a JSON object"),
        ('{"text": 5}', "text must be text, not a number"),
        ('{"text": ["a"]}', "text must be text, not a list"),
        ('{"subject": {"a": 1}, "text": "b"}', "subject must be text, not an object"),
        ('{"id": true, "text": "b"}', "id must be text or a whole number, not true or false"),
        ('{"id": 1.5, "text": "b"}', "id must be text or a whole number"),
        ('{"text": "b", "metadata": "c"}', "metadata must be an object, not text"),
        ('{"text": "b", "labels": {"a": 1}}', "labels must be a list of ids"),
        ('{"text": "b", "labels": [1]}', "labels must be a list of ids"),
        ('{"text": "b", "metadata": {"score": NaN}}', "NaN is no JSON value"),
        ('{"text": "b", "metadata": {"score": -1e999}}', "the number -1e999 is too large"),
        ("[" * 100_000, "nested too deeply"),
        ('{"text": "b", "metadata": ' + '{"a":' * 100_000 + "1" + "}" * 100_001, "too deeply"),
    ],
)
def test_a_bad_row_is_reported_and_the_next_goes_on(tmp_path, line, reason):
    first, bad, last = rows_of(tmp_path, f'{{"text": "a"}}\n{line}\n{{"text": "z"}}\n')

    assert (first.text, last.text) == ("a", "z")
    assert bad.line == 2
    assert reason in bad.reason


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("m1,a,b,c", "4 cells under 3 columns"),
        ("m1,a,{broken", "metadata is no valid JSON"),
        ("m1,a,[1]", "metadata must be an object"),
        ('m1,"a" b,', "no valid CSV"),
    ],
)
def test_a_bad_row_of_csv_is_reported_and_the_next_goes_on(tmp_path, row, reason):
    bad, good = rows_of(tmp_path, f"id,text,metadata\n{row}\nm2,b,\n")

    assert bad.line == 2
    assert reason in bad.reason
    assert (good.text, good.line) == ("b", 3)


def test_the_line_of_a_csv_row_is_where_it_begins(tmp_path):
    first, second = rows_of(tmp_path, 'id,text\nm1,"one\ntwo\nthree"\nm2,b\n')

    assert (first.line, second.line) == (2, 5)


@pytest.mark.parametrize("content", ["name,colour\na,b\n", "\r\x01", "id,text\rm1,a\r"])
def test_what_is_neither_json_nor_csv_with_a_text_is_refused_whole(tmp_path, content):
    (bad,) = rows_of(tmp_path, content)

    assert bad == BadRow(1, "neither JSON nor CSV with a column named text or subject")


def test_a_quote_that_is_never_closed_is_no_text(tmp_path):
    first, bad = rows_of(tmp_path, 'id,text\nm1,a\nm2,"b\nm3,c\nm4,d\n')

    assert first.text == "a"
    assert bad.line == 3
    assert "never closed: nothing after it was read" in bad.reason


def test_a_csv_may_begin_with_empty_lines_and_break_a_line_in_its_header(tmp_path):
    (row,) = rows_of(tmp_path, '\n \nid,text,"sent\non"\nm1,a,b\n')

    assert (row.external_id, row.text, row.line) == ("m1", "a", 5)


@pytest.mark.parametrize(("cell", "labels"), [("", None), ("[]", ()), ("a;b", ("a", "b"))])
def test_an_empty_cell_of_labels_says_nothing_and_brackets_that_none_fits(tmp_path, cell, labels):
    (row,) = rows_of(tmp_path, f"id,text,labels\nm1,a,{cell}\n")

    assert row.labels == labels


def test_empty_lines_and_empty_files_hold_no_rows(tmp_path):
    assert rows_of(tmp_path, "") == []
    assert len(rows_of(tmp_path, '\n{"text": "a"}\n\n{"text": "b"}\n')) == 2


def test_a_whole_number_may_be_an_id(tmp_path):
    assert only_row(tmp_path, id=17, text="a").external_id == "17"


def test_an_id_too_long_is_shortened_and_stays_unique(tmp_path):
    content = "".join(json.dumps({"id": "x" * 500 + end, "text": "a"}) + "\n" for end in "ab")
    first, second = rows_of(tmp_path, content)

    assert len(first.external_id) == len(second.external_id) == ID_LIMIT
    assert first.external_id != second.external_id


def test_ten_megabytes_of_text_are_cut_at_the_stated_length(tmp_path):
    file = file_of(tmp_path, json.dumps({"id": "m1", "text": "word " * 2_000_000}))
    (row,) = file

    assert row.text == ("word " * 2_000_000)[:TEXT_LIMIT]
    assert file.treatments["text cut at 200,000 characters"] == 1


def test_a_long_subject_is_cut_to_its_column(tmp_path):
    assert len(only_row(tmp_path, subject="s" * 5_000).subject) == SUBJECT_LIMIT


def test_a_word_of_a_hundred_thousand_characters_is_kept_as_it_is(tmp_path):
    assert only_row(tmp_path, text="x" * 100_000).text == "x" * 100_000


def test_a_csv_cell_of_a_megabyte_is_read(tmp_path):
    (row,) = rows_of(tmp_path, f"id,text\nm1,{'x' * 1_000_000}\n")

    assert len(row.text) == TEXT_LIMIT


def test_escaped_nul_and_lone_surrogates_are_removed_from_every_field(tmp_path):
    row = only_row(
        tmp_path, id="m\x001", text="a\x00b \ud800 c", metadata={"k\x00": ["\udfff", {"x": "\x00"}]}
    )

    assert (row.external_id, row.text) == ("m1", "ab \ufffd c")
    assert row.metadata == {"k": ["\ufffd", {"x": ""}]}


def test_an_escaped_backslash_before_u_is_no_broken_character(tmp_path):
    assert only_row(tmp_path, text="a", metadata={"path": "C:\\u0000"}).metadata == {
        "path": "C:\\u0000"
    }


def test_raw_line_breaks_and_tabs_inside_strings_are_read(tmp_path):
    assert rows_of(tmp_path, '{"text": "a\tb"}')[0].text == "a\tb"


def test_metadata_beyond_its_limit_is_refused(tmp_path):
    assert "metadata is longer" in only_row(tmp_path, text="a", metadata={"k": "v" * 60_000}).reason


@pytest.mark.parametrize(("depth", "fits"), [(20, True), (21, False), (600, False)])
@pytest.mark.parametrize("leaf", ['"a"', '"\\u0000"'])
def test_metadata_is_nested_within_bounds(tmp_path, depth, fits, leaf):
    metadata = '{"a":' * depth + leaf + "}" * depth
    (row,) = rows_of(tmp_path, f'{{"text": "t", "metadata": {metadata}}}\n')

    assert isinstance(row, Row) == fits
    assert fits or "more than 20 levels" in row.reason


def test_a_line_beyond_the_limit_is_skipped_whole(tmp_path, monkeypatch):
    for module in (text_lines, document_files):
        monkeypatch.setattr(module, "LINE_LIMIT", 50)
    long = json.dumps({"id": "m1", "text": "x" * 500})
    bad, good = rows_of(tmp_path, f'{long}\n{{"text": "b"}}\n')

    assert "longer than" in bad.reason
    assert good.text == "b"


def test_other_fields_are_ignored_and_counted(tmp_path):
    file = file_of(tmp_path, '{"text": "a", "label_info": {"source": 1}}\n' * 3)
    list(file)

    assert file.treatments == {"field ignored: label_info": 3, "id derived from the text": 3}


def test_a_file_that_invents_fields_without_end_stays_small(tmp_path):
    file = file_of(tmp_path, "".join(f'{{"text": "a", "f{n}": 1}}\n' for n in range(500)))
    list(file)

    assert len(file.treatments) <= 51


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["id", "subject", "text", "metadata", "labels", "x"]), JSON))
def test_any_object_becomes_a_document_within_bounds_or_a_bad_row(tmp_path, fields):
    (row,) = rows_of(tmp_path, json.dumps(fields))

    assert row.line == 1
    if isinstance(row, Row):
        assert len(row.external_id) <= ID_LIMIT
        assert len(row.subject) <= SUBJECT_LIMIT
        assert "\x00" not in row.subject + row.text + json.dumps(row.metadata)
        assert (row.subject + row.text + row.external_id).encode()[:0] == b""


@given(st.binary(max_size=300))
def test_any_bytes_are_read_to_the_end(tmp_path, content):
    for row in rows_of(tmp_path, content):
        assert isinstance(row, Row | BadRow)


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=5))
def test_any_text_survives_csv(tmp_path, cells):
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["subject", "text"], *cells])
    path = tmp_path / "file"
    path.write_text(buffer.getvalue(), errors="replace", newline="")

    assert len([row for row in DocumentFile(path) if isinstance(row, Row)]) == len(cells)
