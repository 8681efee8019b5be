#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

// Every byte a device can reach: one reserved range of addresses, of which no address is ever given out twice, so that memory
// used after it was freed is always found. The host may not touch device memory (a protection key forbids it where the processor has them).
namespace emulation::arena {

enum class State : uint8_t { None, Pending, Live, Freed };

/// A part of an allocation that was declared an object of its own.
struct Piece {
    uintptr_t begin, end;
    uint64_t launch;  // the last launch that was handed a pointer into it
};

struct Allocation {
    uintptr_t begin = 0, end = 0;
    int device = 0;
    bool host = false;
    bool freeing = false;  // a stream will come to free it
    State state = State::None;
    uint32_t number = 0;
    std::vector<Piece> pieces;  // by address
};

constexpr uint64_t Span = 1ull << 40;
constexpr unsigned GranuleBits = 16;
constexpr uint8_t Poison = 0xFF;

/// The first address, and for every granule of addresses the number of its allocation; 0: none.
extern uintptr_t base;
extern uint32_t* granules;
extern Allocation** allocations;
extern char* shadow;

/// Reserves the addresses; again: does nothing.
void reserve();

/// A new allocation, in state Pending, filled with poison; nullptr where the process has no addresses left.
Allocation* create(size_t bytes, int device, bool host);

/// Takes the memory away for good; its addresses stay known as freed.
void release(Allocation& allocation);

inline bool contains(uintptr_t address) { return address - base < Span; }

/// The allocation whose granules hold an address, living or freed; nullptr: none.
inline Allocation* find(uintptr_t address) {
    if (!contains(address)) {
        return nullptr;
    }
    const uint32_t number = granules[(address - base) >> GranuleBits];
    return number == 0 ? nullptr : allocations[number];
}

/// The last allocation that begins at or below an address, for messages.
Allocation* nearest(uintptr_t address);

void forEach(const std::function<void(Allocation&)>& visit);

/// Where an address is, in words: "3 bytes behind the end of allocation 7 ...".
std::string describe(uintptr_t address);

/// What forbids the bytes to be used by a device's work now, in words; empty where nothing does.
std::string refusal(uintptr_t address, size_t bytes, int device);

Piece* pieceAt(Allocation& allocation, uintptr_t address);

/// Device memory may be touched by the calling thread from now on.
void open();

}
