#include "Run.h"
#include "Fibers.h"
#include "Races.h"
#include "../Memory/Arena.h"
#include "../Streams/Engine.h"
#include <cstring>
#include <vector>

namespace emulation::execution {

Run run_;

namespace {

std::vector<unsigned> freeStacks;
[[maybe_unused]] const bool racesAreSought = run_.races = setting("MOE_EMULATION_RACES", 1) != 0;

/// Where a thread of a block begins, on a stack of its own.
void threadMain() {
    const Launch& launch = *run_.launch;
    void* arguments[256];
    for (size_t i = 0; i < launch.arguments.size(); ++i) {
        arguments[i] = const_cast<char*>(launch.arguments[i].data());
    }
    launch.function->entry->run(arguments);
    suspend(ThreadState::Done);
    __builtin_unreachable();
}

void resume(Thread& thread) {
    if (thread.state == ThreadState::Fresh) {
        thread.stack = freeStacks.back();
        freeStacks.pop_back();
        thread.saved = fibers::fresh(thread.stack, threadMain);
    }
    thread.state = ThreadState::Ready;
    run_.thread = &thread;
    remark();
    moe_emulation_switch(&run_.scheduler, thread.saved);
    if (thread.state == ThreadState::Done) {
        freeStacks.push_back(thread.stack);
    }
}

/// Visits 0 .. count-1 in an order that the seed draws.
template <typename Visit>
void inDrawnOrder(Draw& draw, unsigned count, Visit visit) {
    const unsigned start = draw.below(count);
    const bool backward = draw.below(2) != 0;
    for (unsigned i = 0; i < count && !run_.failed; ++i) {
        const unsigned rotated = start + i < count ? start + i : start + i - count;
        visit(backward ? count - 1 - rotated : rotated);
    }
}

bool canRun(const Thread& thread) { return thread.state == ThreadState::Ready || thread.state == ThreadState::Fresh; }

/// Runs a warp's lanes until each has come to a barrier of the block or to its end.
void runWarp(Draw& draw, unsigned warp, unsigned threads) {
    const unsigned first = warp * WarpSize;
    const unsigned lanes = std::min(WarpSize, threads - first);
    for (bool progress = true; progress && !run_.failed;) {
        progress = false;
        inDrawnOrder(draw, lanes, [&](unsigned lane) {
            Thread& thread = run_.threads[first + lane];
            if (canRun(thread)) {
                progress = true;
                resume(thread);
            }
        });
    }
    for (unsigned lane = 0; lane < lanes && !run_.failed; ++lane) {
        if (run_.threads[first + lane].state == ThreadState::AtWarp) {
            run_.failed = true;
            run_.error = CUDA_ERROR_LAUNCH_FAILED;
            run_.thread = &run_.threads[first + lane];
            report("warp", whoRuns() + ": " + stuckWarp(warp));
        }
    }
}

/// A block's barrier: opens it where every thread has come; false: all threads have ended, or the launch has failed.
bool openBarrier(unsigned threads) {
    unsigned waiting = 0;
    for (unsigned i = 0; i < threads; ++i) {
        waiting += run_.threads[i].state == ThreadState::AtBarrier;
    }
    if (waiting == 0) {
        return false;
    }
    if (waiting != threads) {
        run_.failed = true;
        run_.error = CUDA_ERROR_LAUNCH_FAILED;
        unsigned absent = 0;
        while (run_.threads[absent].state == ThreadState::AtBarrier) {
            ++absent;
        }
        report("barrier", text("kernel %s: %u of %u threads wait in __syncthreads, but %s has ended", run_.launch->function->name.c_str(), waiting,
            threads, nameOfThread(absent).c_str()));
        return false;
    }
    ++run_.interval;
    run_.votes = 0;
    for (unsigned i = 0; i < threads; ++i) {
        run_.threads[i].state = ThreadState::Ready;
        run_.votes += run_.threads[i].predicate != 0;
    }
    return true;
}

void poisonShared() {
    std::memset(reinterpret_cast<void*>(run_.fixedShared), arena::Poison, run_.fixedSharedSpan);
    std::memset(reinterpret_cast<void*>(run_.dynamicShared), arena::Poison, run_.dynamicSharedSpan);
}

void runBlock(Draw& draw, unsigned threads) {
    const Dim3& shape = run_.launch->block;
    poisonShared();
    run_.firstOfBlock = ++run_.interval;
    Dim3 index{0, 0, 0};
    for (unsigned i = 0; i < threads; ++i) {
        Thread& thread = run_.threads[i];
        thread.number = i;
        thread.index = index;
        thread.state = ThreadState::Fresh;
        if (++index.x == shape.x) {
            index.x = 0;
            if (++index.y == shape.y) {
                index.y = 0;
                ++index.z;
            }
        }
    }
    const unsigned warps = (threads + WarpSize - 1) / WarpSize;
    for (unsigned w = 0; w < warps; ++w) {
        const unsigned lanes = std::min(WarpSize, threads - w * WarpSize);
        run_.warps[w] = Warp{};
        run_.warps[w].lanes = lanes == WarpSize ? ~0u : (1u << lanes) - 1;
    }
    do {
        inDrawnOrder(draw, warps, [&](unsigned warp) { runWarp(draw, warp, threads); });
    } while (!run_.failed && openBarrier(threads));
}

/// Pieces of arenas that a launch's parameters point into are its to touch.
void admitPieces(const Launch& launch) {
    for (const auto& argument : launch.arguments) {
        for (size_t at = 0; at + sizeof(uintptr_t) <= argument.size(); at += sizeof(uintptr_t)) {
            uintptr_t value;
            std::memcpy(&value, argument.data() + at, sizeof value);
            admit(value);
        }
    }
}

/// What kernels of a module declare lies side by side: which of it a kernel has shows when it runs.
void checkSharedSize(const Launch& launch) {
    const Function& function = *launch.function;
    unsigned fixed = 0;
    for (size_t i = 0; i < run_.usedShared.size(); ++i) {
        fixed += run_.usedShared[i] != 0 ? function.module->sharedSizes[i] : 0;
    }
    const unsigned limit = function.dynamicLimit > SharedLimit ? SharedOptIn : SharedLimit;
    if (fixed > SharedLimit || fixed + launch.dynamicShared > limit) {
        report("launch", text("kernel %s uses %u bytes of static and %u of dynamic shared memory, of %u that it may have", function.name.c_str(), fixed,
            launch.dynamicShared, limit));
        run_.failed = true;
        run_.error = CUDA_ERROR_LAUNCH_FAILED;
    }
}

void begin(const Launch& launch) {
    const Module& module = *launch.function->module;
    fibers::prepare(MostThreads);
    run_.stacks = fibers::stacksBegin;
    run_.stacksSpan = fibers::stacksEnd - fibers::stacksBegin;
    run_.fixedShared = reinterpret_cast<uintptr_t>(module.sharedBegin);
    run_.fixedSharedSpan = static_cast<uintptr_t>(module.sharedEnd - module.sharedBegin);
    run_.dynamicShared = reinterpret_cast<uintptr_t>(module.dynamicShared);
    run_.dynamicSharedSpan = launch.dynamicShared;
    run_.image = module.imageBegin;
    run_.imageSpan = module.imageEnd - module.imageBegin;
    run_.device = module.device;
    run_.launch = &launch;
    run_.failed = false;
    run_.error = CUDA_SUCCESS;
    run_.firstOfLaunch = run_.interval + 1;
    ++run_.launchNumber;
    run_.usedShared.assign(module.sharedSizes.size(), 0);
    freeStacks.clear();
    for (unsigned i = MostThreads; i-- > 0;) {
        freeStacks.push_back(i);
    }
    admitPieces(launch);
}

}

void suspend(ThreadState state) {
    Thread& thread = *run_.thread;
    thread.state = state;
    moe_emulation_switch(&thread.saved, run_.scheduler);
}

void useShared(uintptr_t offset) { run_.usedShared[run_.launch->function->module->sharedVariables[offset / 4]] = 1; }

void abandon(CUresult error, const char* kind, const std::string& message) {
    report(kind, whoRuns() + ": " + message);
    run_.failed = true;
    run_.error = error;
    suspend(ThreadState::Done);
    __builtin_unreachable();
}

std::string nameOfThread(unsigned number) {
    const Thread& thread = run_.threads[number];
    return text("block (%u,%u,%u), thread (%u,%u,%u)", run_.block.x, run_.block.y, run_.block.z, thread.index.x, thread.index.y, thread.index.z);
}

std::string whoRuns() { return "kernel " + run_.launch->function->name + ", " + nameOfThread(run_.thread->number); }

void remark() {
    run_.mark = races::mark(run_.interval, run_.warps[run_.thread->number / WarpSize].period, run_.thread->number);
}

void run(const Launch& launch) {
    Draw& draw = threadOrder();
    begin(launch);
    const unsigned threads = static_cast<unsigned>(launch.block.count());
    const Dim3& grid = launch.grid;
    inDrawnOrder(draw, static_cast<unsigned>(grid.count()), [&](unsigned block) {
        run_.block = {block % grid.x, block / grid.x % grid.y, block / grid.x / grid.y};
        runBlock(draw, threads);
    });
    if (!run_.failed) {
        checkSharedSize(launch);
    }
    if (run_.failed) {
        engine::fail(run_.error);
    }
}

}
