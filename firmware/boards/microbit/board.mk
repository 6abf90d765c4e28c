ARCH = arm
CPU = -mcpu=cortex-m0 -mthumb
CHIPS = nrf5 nv_mapped
FORMATS = hex
