# How to build for the Raspberry Pi Pico. boards/template/board.mk explains the variables.
ARCH = arm
CPU = -mcpu=cortex-m0plus -mthumb
CHIPS = nvm_mapped
FORMATS = uf2 hex
# There is enough RAM to receive the next recordings while the board trains on one.
RING_BYTES = 2048u
REPLIES = 8u
EXTRA_OBJECTS = $(DIR)/boot2_image.o

$(DIR)/boot2.bin: boards/pico/boot2.S
	@mkdir -p $(@D)
	$(CC) $(CPU) -nostdlib -nostartfiles -Wl,-e,0 -Wl,-Ttext=0 -Wl,--section-start=.boot2=0x20041f00 $< -o $(DIR)/boot2.elf
	$(TOOL)objcopy -O binary -j .boot2 $(DIR)/boot2.elf $@

$(DIR)/boot2_image.S: $(DIR)/boot2.bin boards/pico/image.py
	$(PYTHON) boards/pico/image.py boot2 $< $@

$(DIR)/boot2_image.o: $(DIR)/boot2_image.S
	$(CC) $(CPU) -c $< -o $@

$(DIR)/%.uf2: $(DIR)/%.bin boards/pico/image.py
	$(PYTHON) boards/pico/image.py uf2 $< $@

# The emulator has no boot ROM of the chip; this file stands in for it.
image: $(DIR)/rom.bin
$(DIR)/rom.bin: pico-emulator/rom.S
	@mkdir -p $(@D)
	$(CC) $(CPU) -nostdlib -nostartfiles -Wl,-e,0 -Wl,-Ttext=0 -Wl,-N $< -o $(DIR)/rom.elf
	$(TOOL)objcopy -O binary $(DIR)/rom.elf $@
