ARCH = arm
CPU = -mcpu=cortex-m0 -mthumb
CHIPS = nrf5
FORMATS = hex
