#pragma once
#include "Run.h"

// Two threads that touch a word, one of them writing, with nothing that orders them: no barrier of the block (or of the warp), and
// between blocks never anything, as a launch has no barrier of the grid. Each word has a shadow of two marks: who wrote it
// last and who read it last, in which interval between barriers.
namespace emulation::execution::races {

// A mark, from its lowest bit: thread (10), bytes of the word (4), period of the warp (12), atomic, many, wide, other block; interval (34).
constexpr unsigned BytesAt = 10, PeriodAt = 14, IntervalAt = 30;
constexpr uint64_t ThreadMask = (1 << BytesAt) - 1;
constexpr uint64_t PeriodMask = 0xFFF;
constexpr uint64_t Atomic = 1ull << 26;
constexpr uint64_t Many = 1ull << 27;    // more than one lane of the warp
constexpr uint64_t Wide = 1ull << 28;    // more than one warp
constexpr uint64_t Blocks = 1ull << 29;  // more than one block

inline uint64_t mark(uint64_t interval, uint64_t period, unsigned thread) {
    return interval << IntervalAt | (period & PeriodMask) << PeriodAt | thread;
}

struct Shadow {
    uint64_t written, read;
};

enum class Access : uint8_t { Read, Write, Atomic };

/// Checks an access to (part of) a word and leaves the thread's mark.
void check(Shadow& shadow, uintptr_t word, unsigned bytes, Access access, bool shared);

/// Shadows of shared memory.
Shadow* ofFixedShared(uintptr_t offset);
Shadow* ofDynamicShared(uintptr_t offset);

}

namespace emulation::execution {

/// The launch may touch the declared piece that an address points into.
void admit(uintptr_t address);

}
