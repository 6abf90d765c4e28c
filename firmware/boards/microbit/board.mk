# How to build for the micro:bit v1. boards/template/board.mk explains the variables.
ARCH = arm
CPU = -mcpu=cortex-m0 -mthumb
CHIPS = nrf5 nvm_mapped
FORMATS = hex
