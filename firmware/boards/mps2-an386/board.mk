ARCH = arm
CPU = -mcpu=cortex-m4 -mthumb
CHIPS = mps2 nv_mapped
FORMATS =
# RAM enough to receive whole recordings while one is learnt
RING_BYTES = 2048u
REPLIES = 8u
