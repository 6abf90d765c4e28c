// node pico.mjs PORT IMAGE.uf2 ROM.bin [FLASH.bin] [count=BEGIN,END,FILE]
//
// Emulates a Raspberry Pi Pico with rp2040js. Its UART0 is the TCP port 127.0.0.1:PORT; with PORT 0 it takes any free
// port and prints which. The core starts when the first client connects.
//
// IMAGE.uf2  the firmware
// ROM.bin    the stand-in for the boot ROM (rom.S)
// FLASH.bin  keeps the 2 MB of flash between runs. It is made if it is missing, and the image is written over it.
// count=     appends to FILE, one line each time, how many instructions ran from address BEGIN to address END
//
// Environment: PICO_CUT=n cuts the power after n bytes of flash have changed. PICO_PRESSED=14,15 presses the buttons at
// these pins.
import fs from 'node:fs';
import net from 'node:net';
import { ConsoleLogger, LogLevel, RP2040 } from 'rp2040js';

const words = process.argv.slice(2);
const [port, image, rom, flashFile] = words.filter((word) => !word.startsWith('count='));
const [begin, end, countFile] = words.find((word) => word.startsWith('count='))?.slice(6).split(',') ?? [];
const FLASH_BASE = 0x10000000;
const NANOSECONDS = 1e9 / 125e6; // length of a clock cycle

const chip = new RP2040();
chip.logger = new ConsoleLogger(LogLevel.Error, false);

const romBytes = new Uint8Array(16384);
romBytes.set(fs.readFileSync(rom));
chip.loadBootrom(new Uint32Array(romBytes.buffer));

let flash = -1;
if (flashFile) {
  if (fs.existsSync(flashFile)) chip.flash.set(fs.readFileSync(flashFile).subarray(0, chip.flash.length));
  else fs.writeFileSync(flashFile, chip.flash);
  flash = fs.openSync(flashFile, 'r+');
}
const keep = (start, n) => flash >= 0 && fs.writeSync(flash, chip.flash, start, n, start);

const uf2 = fs.readFileSync(image);
for (let at = 0; at < uf2.length; at += 512) {
  const start = uf2.readUInt32LE(at + 12) - FLASH_BASE;
  const n = uf2.readUInt32LE(at + 16);
  chip.flash.set(uf2.subarray(at + 32, at + 32 + n), start);
  keep(start, n);
}

// The flash functions of the boot ROM: rom.S traps to here. Erasing sets all bits, writing only clears bits. PICO_CUT
// can cut the power in the middle of a page or of an erase unit.
let left = Number(process.env.PICO_CUT ?? Infinity);
function change(start, n, value) {
  const done = Math.min(n, left);
  for (let i = 0; i < done; i++) chip.flash[start + i] = value(i);
  keep(start, done);
  left -= done;
  if (done < n) process.exit(9);
}
chip.onBreak = (number) => {
  const r = chip.core.registers;
  if (number === 0xf2) {
    change(r[0], r[1], () => 0xff);
  } else if (number === 0xf3) {
    change(r[0], r[2], (i) => chip.flash[r[0] + i] & chip.readUint8(r[1] + i));
  } else if (number < 0xf0 || number > 0xf5) {
    console.error(`bkpt ${number} at 0x${chip.core.PC.toString(16)}`);
    process.exit(3);
  }
};

// At reset the boot ROM copies the second boot stage to the end of RAM and jumps there; so does this.
chip.sram.set(chip.flash.subarray(0, 256), 0x41f00);
chip.core.PC = 0x20041f00;
chip.core.SP = 0x20042000;

// The buttons for labels. rp2040js does not model pull-up resistors, so the pins are set high here.
const pressed = (process.env.PICO_PRESSED ?? '').split(',').map(Number);
for (const pin of [14, 15]) chip.gpio[pin].setInputValue(!pressed.includes(pin));

let socket = null;
let running = false;
let received = []; // buffers from the host that the UART has not taken yet
let offset = 0;
let sent = [];
const uart = chip.uart[0];
uart.onByte = (byte) => sent.push(byte);

// Hands received bytes to the UART while its FIFO has room: rp2040js would drop bytes that do not fit.
function feed() {
  while (received.length && uart.rxFIFO.itemCount < 16) {
    uart.feedByte(received[0][offset++]);
    if (offset === received[0].length) {
      received.shift();
      offset = 0;
    }
  }
}

let executed = 0;
let started = 0;
// For count=: called before each instruction.
function count(pc) {
  if (pc === Number(begin)) started = executed;
  if (pc === Number(end)) fs.appendFileSync(countFile, `${executed - started}\n`);
  executed++;
}

// Runs the core for a while, sends what it wrote, and schedules itself again unless the core sleeps.
function run() {
  const core = chip.core;
  let slices = 0;
  for (; slices < 200 && !(core.waiting && received.length === 0); slices++) {
    feed();
    let cycles = 0;
    for (let i = 0; i < 500 && !core.waiting; i++) {
      if (countFile) count(core.PC);
      cycles += core.executeInstruction();
    }
    // On the chip, WFI returns while an interrupt is pending, even if interrupts are held back. In rp2040js it waits,
    // for ever if the FIFO is full.
    if (core.pendingInterrupts & core.enabledInterrupts) core.waiting = false;
    chip.clock.tick(cycles * NANOSECONDS);
  }
  if (sent.length && socket) socket.write(Buffer.from(sent));
  sent = [];
  running = slices === 200; // otherwise the core sleeps until the host sends
  if (running) setImmediate(run);
}

function wake() {
  if (running) return;
  running = true;
  setImmediate(run);
}

net
  .createServer((connection) => {
    socket = connection;
    connection.setNoDelay(true);
    connection.on('data', (bytes) => {
      received.push(bytes);
      wake();
    });
    connection.on('error', () => {});
    connection.on('close', () => {
      if (socket === connection) socket = null;
    });
    wake();
  })
  .listen(Number(port), '127.0.0.1', function () {
    console.log(`listening on ${this.address().port}`);
  });
