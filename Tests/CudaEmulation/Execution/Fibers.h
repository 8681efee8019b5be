#pragma once
#include <cstddef>
#include <cstdint>

// Stacks for the threads of a block, and switching between them by hand.
namespace emulation::fibers {

constexpr size_t StackBytes = 64 << 10;

/// All stacks lie in one range of addresses.
extern uintptr_t stacksBegin, stacksEnd;

void prepare(unsigned count);

/// A stack pointer to switch to: the first switch to it calls `entry`, which must not return.
void* fresh(unsigned stack, void (*entry)());

}

/// Saves the caller's registers and stack pointer and goes on where `to` was saved.
extern "C" void moe_emulation_switch(void** save, void* to);
