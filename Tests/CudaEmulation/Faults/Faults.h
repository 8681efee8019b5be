#pragma once
#include <cstdint>
#include <string>

// What the emulation found wrong: kept for tests to read, and written to stderr at once.
namespace emulation {

void report(const char* kind, const std::string& message);

/// printf into a string.
__attribute__((format(printf, 1, 2))) std::string text(const char* format, ...);

/// A number from the environment, or the given one.
uint64_t setting(const char* name, uint64_t otherwise);

/// The stream of random numbers that a seed names (splitmix64): orders are drawn from it.
class Draw {
public:
    explicit Draw(uint64_t seed) : _state(seed) {}
    uint64_t next();
    uint32_t below(uint32_t limit) { return limit < 2 ? 0 : static_cast<uint32_t>(next() % limit); }
    void restart(uint64_t seed) { _state = seed; }

private:
    uint64_t _state;
};

/// The orders of streams' work, and of blocks and threads.
Draw& streamOrder();
Draw& threadOrder();

}
