ARCH = riscv
CPU = -march=rv32imac_zicsr -mabi=ilp32
CHIPS = nv_none
FORMATS = hex
