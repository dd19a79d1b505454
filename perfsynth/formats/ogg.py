"""Ogg pages (RFC 3533): whether a stream is whole, and the serial number that encoders draw at random."""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

from perfsynth.errors import InputError

SERIAL = 1
_SERIAL_AT, _CRC_AT = 14, 22
_END_OF_STREAM = 4
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def checksum(page: bytes) -> int:
    """The page checksum: CRC-32 of polynomial 0x04c11db7, most significant bit first, nothing inverted.

    zlib computes the same polynomial mirrored and inverted, so its input and output are mirrored here.
    """
    mirrored = zlib.crc32(page.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_MIRRORED), "big")


def renumber(file: BinaryIO) -> None:
    """Give the only stream of a file the serial number `SERIAL`, page by page, in place.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    position = 0
    file.seek(0)
    while header := file.read(27):
        lacing = file.read(header[26])
        page = bytearray(header + lacing + file.read(sum(lacing)))
        struct.pack_into("<I", page, _SERIAL_AT, SERIAL)
        struct.pack_into("<I", page, _CRC_AT, 0)
        struct.pack_into("<I", page, _CRC_AT, checksum(bytes(page)))
        file.seek(position)
        file.write(page)
        position += len(page)
        file.seek(position)


def check_whole(data: bytes, name: str) -> None:
    """Refuse a file whose last page is cut off or does not end its stream.

    Raises
    ------
    InputError
        When it is so.
    """
    last = data.rfind(b"OggS")
    page = data[last : last + 27]
    if len(page) == 27:
        lacing = data[last + 27 : last + 27 + page[26]]
        is_there = len(lacing) == page[26] and len(data) >= last + 27 + page[26] + sum(lacing)
        if is_there and page[5] & _END_OF_STREAM:
            return
    raise InputError(f"{name}: this Ogg file ends in the middle; it is truncated, so copy it again")
