# How to build for boards with an STM32F405. boards/template/board.mk explains the variables.
ARCH = arm
CPU = -mcpu=cortex-m4 -mthumb
CHIPS = stm32f4 nvm_mapped
FORMATS = hex bin
# There is enough RAM to receive the next recordings while the board trains on one.
RING_BYTES = 2048u
REPLIES = 8u
