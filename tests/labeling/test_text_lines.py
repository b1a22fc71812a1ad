import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling import text_lines
from labeling.text_lines import EndsEarly, TextLines, decode


def lines_of(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    return TextLines(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_every_unicode_encoding_reads_the_same(tmp_path, encoding):
    lines = lines_of(tmp_path, "Grüße\nžluťoučký 🐎\n".encode(encoding))

    assert list(lines) == ["Grüße\n", "žluťoučký 🐎\n"]
    assert lines.repaired == 0


@pytest.mark.parametrize("order", ["le", "be"])
def test_utf_16_is_read_in_either_byte_order(tmp_path, order):
    content = "\ufeffid\nä\n".encode(f"utf-16-{order}")

    assert list(lines_of(tmp_path, content)) == ["id\n", "ä\n"]


def test_a_line_of_windows_1252_is_told_by_its_bytes(tmp_path):
    lines = lines_of(tmp_path, "Stra\xdfe \x80 5\n".encode("latin-1"))

    assert list(lines) == ["Straße € 5\n"]
    assert lines.repaired == 1


def test_broken_bytes_among_good_utf_8_become_replacement_characters():
    assert decode("ä".encode() + b"\xff!") == ("ä\ufffd!", True)


def test_nul_characters_are_removed_and_counted(tmp_path):
    lines = lines_of(tmp_path, b"a\x00b\nc\n")

    assert list(lines) == ["ab\n", "c\n"]
    assert lines.stripped == 1


def test_gzip_is_told_by_its_first_bytes_not_by_its_name(tmp_path):
    assert list(lines_of(tmp_path, gzip.compress(b"one\ntwo"))) == ["one\n", "two"]


def test_a_gzip_file_that_ends_early_gives_what_it_has_and_says_so(tmp_path):
    whole = gzip.compress(b"".join(b"line %d\n" % n for n in range(50_000)))
    lines = iter(lines_of(tmp_path, whole[: len(whole) // 2]))

    assert [next(lines) for _ in range(1_000)][-1] == "line 999\n"
    with pytest.raises(EndsEarly):
        list(lines)


def test_damaged_gzip_says_so_too(tmp_path):
    whole = bytearray(gzip.compress(b"line\n" * 1000))
    whole[len(whole) // 2] ^= 0xFF

    with pytest.raises(EndsEarly):
        list(lines_of(tmp_path, bytes(whole)))


def test_a_line_beyond_the_limit_comes_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(text_lines, "LINE_LIMIT", 10)

    assert list(lines_of(tmp_path, b"x" * 25 + b"\nnext\n")) == [
        "x" * 10, "x" * 10, "x" * 5 + "\n", "next\n",
    ]  # fmt: skip


def test_the_position_reaches_the_size(tmp_path):
    lines = lines_of(tmp_path, b"one\ntwo\n")
    list(lines)

    assert lines.position == lines.size == 8


def test_an_empty_file_has_no_lines(tmp_path):
    assert list(lines_of(tmp_path, b"")) == []


@given(st.binary(max_size=200))
def test_any_bytes_decode_to_text_without_an_error(content):
    text, repaired = decode(content)

    assert repaired or text.encode() == content


def test_empty_lines_without_end_are_not_read_to_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(text_lines, "BLANK_LIMIT", 3)
    path = tmp_path / "blank"
    path.write_bytes(b"a\n\n\n\nb\n\n\n\n\nc\n")
    lines = iter(TextLines(path))

    assert [next(lines).strip() for _ in range(8)] == ["a", "", "", "", "b", "", "", ""]
    with pytest.raises(EndsEarly, match="more than 3 empty lines"):
        next(lines)
