ARCH = riscv
CPU = -march=rv32imac_zicsr -mabi=ilp32
CHIPS = nv_mapped
FORMATS =
# RAM enough to receive whole recordings while one is learnt
RING_BYTES = 2048u
REPLIES = 8u
