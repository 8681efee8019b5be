#pragma once
#include "Kernel.h"
#include "../Driver/CudaTypes.h"
#include "../Faults/Faults.h"

// The launch that is being executed. There is one at a time, and one thread that executes, so that all of it is plain globals:
// the checks of every access read them.
namespace emulation::execution {

enum class ThreadState : uint8_t { Fresh, Ready, AtBarrier, AtWarp, Done };
enum class WarpOperation : uint8_t { Sync, Index, Up, Down, Xor, Ballot, Any, All };

struct Thread {
    void* saved;
    unsigned stack;
    unsigned number;  // in the block
    Dim3 index;
    ThreadState state;
    // What it brought to its warp's operation, and what it gets.
    WarpOperation operation;
    uint32_t mask;
    uint32_t argument;
    uint32_t width;
    uint64_t value;
    uint64_t result;
    int predicate;  // brought to a barrier that counts
};

/// Lanes that wait for each other.
struct WarpGroup {
    uint32_t mask = 0, arrived = 0;
    WarpOperation operation = WarpOperation::Sync;
};

struct Warp {
    WarpGroup groups[8];
    uint32_t lanes = 0;  // that exist
    uint64_t period = 0;  // counts what orders the memory of its lanes
};

struct Run {
    // Memory that needs no look-up: stacks, shared memory, the module's own constants.
    uintptr_t stacks, stacksSpan;
    uintptr_t fixedShared, fixedSharedSpan;
    uintptr_t dynamicShared, dynamicSharedSpan;
    uintptr_t image, imageSpan;

    // For races: numbers of intervals between barriers, which only grow.
    bool races;
    uint64_t interval, firstOfBlock, firstOfLaunch;
    uint64_t mark;  // of the running thread: interval, warp period, thread

    std::vector<char> usedShared;  // by variable of the module

    int device;
    uint64_t launchNumber;
    const Launch* launch;
    Dim3 block;
    Thread* thread;
    void* scheduler;
    bool failed;
    CUresult error;
    unsigned votes;  // of the block's last barrier

    Thread threads[MostThreads];
    Warp warps[MostThreads / WarpSize];
};

extern Run run_;

/// The lane's turn ends until somebody makes it ready.
void suspend(ThreadState state);

/// Notes that the launch uses a variable in static shared memory.
void useShared(uintptr_t offset);

/// Ends the launch with an error, from inside a thread of it.
[[noreturn]] void abandon(CUresult error, const char* kind, const std::string& message);

/// The running thread in words: "kernel rms_norm, block (0,0,0), thread (3,0,0)".
std::string whoRuns();
std::string nameOfThread(unsigned number);

/// Brings the lane to its warp's operation and returns what it gets from it.
uint64_t meetWarp(WarpOperation operation, uint32_t mask, uint64_t value, uint32_t argument, uint32_t width);

/// What keeps a warp's lanes that wait from going on, in words.
std::string stuckWarp(unsigned warp);

/// Sets the mark that the running thread leaves on memory.
void remark();

}
