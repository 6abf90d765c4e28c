ARCH = arm
CPU = -mcpu=cortex-m4 -mthumb
CHIPS = nrf5
FORMATS = hex
