"""Packs a program for the RP2040, as its boot ROM wants it.

python image.py boot2 boot2.bin out.S   pads the second boot stage to 256 bytes, with its checksum
python image.py uf2 image.bin out.uf2   packs a flash image for the USB drive of the boot loader
"""

import struct
import sys
from pathlib import Path

FLASH = 0x10000000  # where the flash is in the address space
FAMILY = 0xE48BFF56  # marks a UF2 file for the RP2040


def crc(data: bytes) -> int:
    """CRC-32 as the boot ROM computes it: polynomial 04C11DB7, not reflected, no final xor."""
    c = 0xFFFFFFFF
    for byte in data:
        c ^= byte << 24
        for _ in range(8):
            c = (c << 1 ^ (0x04C11DB7 if c & 0x80000000 else 0)) & 0xFFFFFFFF
    return c


def boot2(code: bytes) -> str:
    """Assembler source of the boot stage. SystemExit if the code is longer than 252 bytes."""
    if len(code) > 252:
        raise SystemExit(f"boot2 has {len(code)} bytes; the boot ROM takes 252")
    code = code.ljust(252, b"\0")
    whole = code + struct.pack("<I", crc(code))
    return '    .section .boot2, "a"\n    .byte ' + ", ".join(map(str, whole)) + "\n"


def uf2(image: bytes) -> bytes:
    """The flash image as a UF2 file: blocks of 512 bytes, with 256 bytes of flash in each."""
    blocks = [image[i : i + 256].ljust(256, b"\0") for i in range(0, len(image), 256)]
    return b"".join(
        struct.pack(
            "<8I", 0x0A324655, 0x9E5D5157, 0x2000, FLASH + 256 * i, 256, i, len(blocks), FAMILY
        )
        + block.ljust(476, b"\0")
        + struct.pack("<I", 0x0AB16F30)
        for i, block in enumerate(blocks)
    )


def main(what: str, source: str, target: str) -> None:
    data = Path(source).read_bytes()
    if what == "boot2":
        Path(target).write_text(boot2(data))
    else:
        Path(target).write_bytes(uf2(data))


if __name__ == "__main__":
    main(*sys.argv[1:])
