ARCH = arm
CPU = -mcpu=cortex-m4 -mthumb
CHIPS = stm32f4 nv_mapped
FORMATS = hex bin
