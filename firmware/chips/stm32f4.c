/* Drives the clock, a USART, a timer and the flash of the STM32F405 and STM32F446. The registers have the names of ST's
 * reference manuals RM0090 and RM0390. */
#include "chips/stm32f4.h"

#include "board.h"
#include "common/cpu.h"
#include "chips/nvm.h"
#include "common/ring.h"

#define RCC 0x40023800u
#define RCC_CR (RCC + 0x00u)
#define RCC_PLLCFGR (RCC + 0x04u)
#define RCC_CFGR (RCC + 0x08u)
#define RCC_AHB1ENR (RCC + 0x30u)
#define RCC_APB1ENR (RCC + 0x40u)
#define RCC_APB2ENR (RCC + 0x44u)
#define HSI_READY (1u << 1)
#define PLL_ON (1u << 24)
#define PLL_READY (1u << 25)

#define FLASH 0x40023C00u
#define FLASH_ACR (FLASH + 0x00u)
#define FLASH_KEYR (FLASH + 0x04u)
#define FLASH_SR (FLASH + 0x0Cu)
#define FLASH_CR (FLASH + 0x10u)
#define FLASH_BUSY (1u << 16)
#define FLASH_LOCK (1u << 31)
#define FLASH_WORDS (2u << 8) /* write 32 bits at once: 2.7 V and more */
#define FLASH_SECTOR (128u * 1024u)

#define GPIO(port) (0x40020000u + 0x400u * (port))
#define GPIO_MODER 0x00u
#define GPIO_PUPDR 0x0Cu
#define GPIO_IDR 0x10u
#define GPIO_BSRR 0x18u
#define GPIO_AFR 0x20u

#define USART_SR 0x00u
#define USART_DR 0x04u
#define USART_BRR 0x08u
#define USART_CR1 0x0Cu
#define SR_OVERRUN (1u << 3)
#define SR_RECEIVED (1u << 5)
#define SR_ROOM (1u << 7)

#define TIM2 0x40000000u
#define TIM2_CR1 (TIM2 + 0x00u)
#define TIM2_EGR (TIM2 + 0x14u)
#define TIM2_CNT (TIM2 + 0x24u)
#define TIM2_PSC (TIM2 + 0x28u)
#define TIM2_ARR (TIM2 + 0x2Cu)

const board_nvm_info board_nvm = {(uint32_t)nvm_bytes, FLASH_SECTOR, 4};
const uint32_t board_clock_hz = 1000000;
static uint32_t usart, usart_hz; /* base address of the USART in use, and its clock */

static void set_field(uintptr_t reg, uint32_t mask, uint32_t value) {
    REG(reg) = (REG(reg) & ~mask) | value;
}

/* Modes: 0 input, 1 output, 2 alternate function. */
static void pin_mode(uint32_t port, uint32_t pin, uint32_t mode) {
    REG(RCC_AHB1ENR) |= 1u << port;
    (void)REG(RCC_AHB1ENR); /* the port's clock starts two cycles later: this read waits */
    set_field(GPIO(port) + GPIO_MODER, 3u << (2u * pin), mode << (2u * pin));
}

void stm32f4_output(uint32_t port, uint32_t pin, bool high) {
    pin_mode(port, pin, 1);
    REG(GPIO(port) + GPIO_BSRR) = high ? 1u << pin : 1u << (pin + 16u);
}

void stm32f4_input(uint32_t port, uint32_t pin) {
    pin_mode(port, pin, 0);
}

bool stm32f4_is_high(uint32_t port, uint32_t pin) {
    return ((REG(GPIO(port) + GPIO_IDR) >> pin) & 1u) != 0;
}

static void serial_pin(uint32_t pin) {
    pin_mode(0, pin, 2);
    set_field(GPIO(0) + GPIO_PUPDR, 3u << (2u * pin),
              1u << (2u * pin)); /* pull-up: a line that is not connected reads as idle */
    set_field(GPIO(0) + GPIO_AFR + 4u * (pin / 8u), 15u << (4u * (pin % 8u)), 7u << (4u * (pin % 8u)));
}

/* Returns the clock of the core in MHz. After a reset the core runs from the internal oscillator at 16 MHz. It stays
 * there if any wait fails, as in an emulator without a clock controller, where all these registers read 0. */
static uint32_t clock_init(void) {
    if (!cpu_await(RCC_CR, HSI_READY, HSI_READY, 10000)) return 16;
    REG(RCC_PLLCFGR) = 8u | 168u << 6 | 7u << 24; /* 16 MHz / 8 * 168 / 2 = 168 MHz */
    REG(RCC_CR) |= PLL_ON;
    if (!cpu_await(RCC_CR, PLL_READY, PLL_READY, 100000)) return 16;
    REG(FLASH_ACR) = 5u | 7u << 8; /* five wait states; caches on */
    if (!cpu_await(FLASH_ACR, 15, 5, 1000)) return 16;
    REG(RCC_CFGR) = 2u | 5u << 10 | 4u << 13; /* APB1 / 4 = 42 MHz, APB2 / 2 = 84 MHz */
    return cpu_await(RCC_CFGR, 12, 8, 10000) ? 168 : 16;
}

void stm32f4_init(const stm32f4_serial *serial) {
    uint32_t mhz = clock_init();
    uint32_t apb1 = mhz == 168 ? 42 : 16, apb2 = mhz == 168 ? 84 : 16;

    REG(RCC_APB1ENR) |= 1; /* TIM2; its clock is twice that of APB1 if that bus is divided */
    REG(TIM2_PSC) = (mhz == 168 ? 84u : 16u) - 1u;
    REG(TIM2_ARR) = 0xFFFFFFFFu;
    REG(TIM2_EGR) = 1;
    REG(TIM2_CR1) = 1;

    usart = serial->usart;
    serial_pin(serial->tx_pin);
    serial_pin(serial->rx_pin);
    REG(serial->apb == 1 ? RCC_APB1ENR : RCC_APB2ENR) |= 1u << serial->enable_bit;
    usart_hz = (serial->apb == 1 ? apb1 : apb2) * 1000000u;
    board_uart_set_baud(115200, true);
    REG(usart + USART_CR1) =
        1u << 13 | 1u << 5 | 1u << 3 | 1u << 2; /* USART on, receive interrupt, transmitter, receiver */
    cpu_enable_irq(serial->irq);
}

void board_interrupt(void) {
    uint32_t status;
    while ((status = REG(usart + USART_SR)) & (SR_RECEIVED | SR_OVERRUN)) {
        uint8_t byte = (uint8_t)REG(usart + USART_DR);
        if (status & SR_RECEIVED) ring_put(byte);
    }
}

void board_uart_write(uint8_t byte) {
    while (!(REG(usart + USART_SR) & SR_ROOM)) {
    }
    REG(usart + USART_DR) = byte;
}

bool board_uart_set_baud(uint32_t baud, bool apply) {
    uint32_t divider = cpu_divider(usart_hz, baud);
    if (divider == 0 || divider > 65535u) return false;
    if (apply) REG(usart + USART_BRR) = divider;
    return true;
}

uint32_t board_clock(void) {
    return REG(TIM2_CNT);
}

static bool flash_idle(void) {
    return cpu_await(FLASH_SR, FLASH_BUSY, 0, 100000000); /* erasing a sector takes up to 4 s */
}

static bool flash_unlock(void) {
    if (REG(FLASH_CR) & FLASH_LOCK) {
        REG(FLASH_KEYR) = 0x45670123u;
        REG(FLASH_KEYR) = 0xCDEF89ABu;
    }
    REG(FLASH_SR) = 0xF2; /* clears old errors */
    return flash_idle();
}

static void flash_lock(void) {
    /* The data cache may hold the old content of the flash. It can only be reset while it is off. */
    uint32_t acr = REG(FLASH_ACR);
    REG(FLASH_CR) = FLASH_LOCK;
    REG(FLASH_ACR) = acr & ~(1u << 10);
    REG(FLASH_ACR) = (acr & ~(1u << 10)) | 1u << 12;
    REG(FLASH_ACR) = acr;
}

bool board_nvm_erase(uint32_t offset) {
    if (!nvm_holds(offset, FLASH_SECTOR, FLASH_SECTOR) || !flash_unlock()) return false;
    uint32_t sector = 4u + ((uint32_t)nvm_start - 0x08000000u + offset) /
                               FLASH_SECTOR; /* sectors 0 to 3: 16 KB, 4: 64 KB, from 5 on: 128 KB */
    REG(FLASH_CR) = FLASH_WORDS | 2u | sector << 3;
    REG(FLASH_CR) = FLASH_WORDS | 2u | sector << 3 | 1u << 16;
    bool good = flash_idle();
    flash_lock();
    return good && nvm_is_erased(offset);
}

bool board_nvm_write(uint32_t offset, const void *bytes, size_t n) {
    const uint8_t *from = bytes;
    if (!nvm_holds(offset, n, 4) || !flash_unlock()) return false;
    REG(FLASH_CR) = FLASH_WORDS | 1u;
    bool good = true;
    for (size_t i = 0; i < n && good; i += 4, from += 4) {
        uint32_t word = nvm_word(from);
        REG(nvm_start + offset + i) = word;
        good = flash_idle() && REG(nvm_start + offset + i) == word;
    }
    flash_lock();
    return good;
}
