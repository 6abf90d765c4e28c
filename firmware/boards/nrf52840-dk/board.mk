# How to build for the nRF52840 DK. boards/template/board.mk explains the variables.
ARCH = arm
CPU = -mcpu=cortex-m4 -mthumb
CHIPS = nrf5 nvm_mapped
FORMATS = hex
# There is enough RAM to receive the next recordings while the board trains on one.
RING_BYTES = 2048u
REPLIES = 8u
