ARCH = arm
CPU = -mcpu=cortex-m4 -mthumb
CHIPS = mps2 nv_mapped
FORMATS =
