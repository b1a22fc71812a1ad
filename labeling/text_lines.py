"""Turn the bytes of an uploaded file into lines of clean text, whatever their encoding."""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

LINE_LIMIT = 64 * 1024 * 1024  # bytes; a longer line is a broken file, not a document
BLANK_LIMIT = 100_000  # empty lines in a row
GZIP_MAGIC = b"\x1f\x8b"
UTF_16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
UTF_32_BOMS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


class EndsEarly(Exception):
    """A file makes no sense from here on; what came before is whole. The message says why."""


class TextLines:
    """The lines of one file, each with its line ending, read once and in constant memory.

    UTF-8 with or without a byte-order mark, UTF-16 and UTF-32 with one, and gzip of any of these
    (told by its first bytes, not its name). NUL characters are removed.
    `repaired` counts the lines whose bytes were not valid; `stripped` those that held NUL.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size  # bytes, as stored
        self.repaired = self.stripped = 0
        self._raw: IO[bytes] | None = None
        self._position = 0

    @property
    def position(self) -> int:
        """Bytes of the stored file read so far, for progress."""
        return self._position

    def __iter__(self) -> Iterator[str]:
        """Yield each line; a line longer than LINE_LIMIT comes in pieces without an end.

        Raises:
            EndsEarly: the file is compressed and incomplete or damaged, or holds nothing but empty
                lines for BLANK_LIMIT lines, as a small file does that unfolds without end.
        """
        with self.path.open("rb") as raw:
            file = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if is_gzip(self.path) else raw
            blank = 0
            try:
                for number, line in enumerate(self._decoded(file)):
                    if number % 64 == 0:  # asking costs a system call
                        self._position = raw.tell()
                    if "\x00" in line:
                        self.stripped += 1
                        line = line.replace("\x00", "")
                    blank = 0 if line.strip() else blank + 1
                    if blank > BLANK_LIMIT:
                        raise EndsEarly(f"more than {BLANK_LIMIT:,} empty lines follow each other")
                    yield line
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise EndsEarly(f"the compressed file ends early: {error}") from error
            finally:
                self._position = self.size

    def _decoded(self, file: IO[bytes]) -> Iterator[str]:
        start = cast("io.BufferedReader", file).peek(4)[:4]
        if start.startswith(UTF_32_BOMS) or start.startswith(UTF_16_BOMS):
            name = "utf-32" if start.startswith(UTF_32_BOMS) else "utf-16"
            with io.TextIOWrapper(file, encoding=name, errors="replace", newline="\n") as text:
                yield from iter(lambda: text.readline(LINE_LIMIT), "")
            return
        first = True
        while line := file.readline(LINE_LIMIT):
            if first:
                line, first = line.removeprefix(codecs.BOM_UTF8), False
            text_line, repaired = decode(line)
            self.repaired += repaired
            yield text_line


def is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == GZIP_MAGIC


def decode(line: bytes) -> tuple[str, bool]:
    """Return the text of *line*, and whether its bytes were not UTF-8.

    A line without a single valid UTF-8 sequence beyond ASCII is Windows-1252, as spreadsheets
    write it; in any other the broken bytes become U+FFFD.
    """
    try:
        return line.decode(), False
    except UnicodeDecodeError:
        replaced = line.decode(errors="replace")
    if replaced.replace("\N{REPLACEMENT CHARACTER}", "").isascii():
        return line.decode("cp1252", errors="replace"), True
    return replaced, True
