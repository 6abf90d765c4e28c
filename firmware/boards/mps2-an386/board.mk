# How to build for MPS2 with AN386. boards/template/board.mk explains the variables.
ARCH = arm
CPU = -mcpu=cortex-m4 -mthumb
CHIPS = mps2 nvm_mapped
FORMATS =
# There is enough RAM to receive the next recordings while the board trains on one.
RING_BYTES = 2048u
REPLIES = 8u
