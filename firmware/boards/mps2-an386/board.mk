ARCH = arm
CPU = -mcpu=cortex-m4 -mthumb
CHIPS = mps2
FORMATS =
