# How to build for QEMU's machine "virt". boards/template/board.mk explains the variables.
ARCH = riscv
CPU = -march=rv32imac_zicsr -mabi=ilp32
CHIPS = nvm_mapped
FORMATS =
# There is enough RAM to receive the next recordings while the board trains on one.
RING_BYTES = 2048u
REPLIES = 8u
