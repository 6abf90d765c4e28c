ARCH = arm
CPU = -mcpu=cortex-m4 -mthumb
CHIPS = nrf5 nv_mapped
FORMATS = hex
