# How to build for this board.

# arm or riscv
ARCH = arm
# compiler flags that name the core
CPU = -mcpu=cortex-m0 -mthumb
# Drivers of chips/ to compile, without .c. nvm_none: the board stores no checkpoints. Take nvm_mapped instead if it has
# flash for them that is read like memory; a driver or board.c then erases and writes it.
CHIPS = nvm_none
# files to make beside the .elf: hex, bin
FORMATS = hex
# On a board with 64 KB of RAM or more, a longer receive ring and more unanswered requests let the host send the next
# recordings while the board trains on one:
# RING_BYTES = 2048u
# REPLIES = 8u
