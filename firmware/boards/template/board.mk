# arm or riscv
ARCH = arm
# what gcc calls the core
CPU = -mcpu=cortex-m0 -mthumb
# drivers of chips/ to compile, without .c; nv_mapped in place of nv_none for flash that is read like memory
CHIPS = nv_none
# what to make beside the .elf: hex, bin
FORMATS = hex
# with RAM to spare: receive ring, and replies kept; so much of the next recordings can arrive while one is learnt
# RING_BYTES = 2048u
# REPLIES = 8u
