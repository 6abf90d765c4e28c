# How to build for the HiFive1 Rev B. boards/template/board.mk explains the variables.
ARCH = riscv
CPU = -march=rv32imac_zicsr -mabi=ilp32
CHIPS = nvm_none
FORMATS = hex
