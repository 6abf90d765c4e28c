ARCH = arm
CPU = -mcpu=cortex-m7 -mthumb
CHIPS = mps2 nv_mapped
FORMATS =
