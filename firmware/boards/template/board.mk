# arm or riscv
ARCH = arm
# what gcc calls the core
CPU = -mcpu=cortex-m0 -mthumb
# drivers of chips/ to compile, without .c
CHIPS =
# what to make beside the .elf: hex, bin
FORMATS = hex
