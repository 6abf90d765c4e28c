ARCH = arm
CPU = -mcpu=cortex-m4 -mthumb
CHIPS = stm32f4 nv_mapped
FORMATS = hex bin
# RAM enough to receive whole recordings while one is learnt
RING_BYTES = 2048u
REPLIES = 8u
