#include "Run.h"

namespace emulation::execution {

namespace {

const char* nameOf(WarpOperation operation) {
    switch (operation) {
        case WarpOperation::Sync: return "__syncwarp";
        case WarpOperation::Index: return "__shfl_sync";
        case WarpOperation::Up: return "__shfl_up_sync";
        case WarpOperation::Down: return "__shfl_down_sync";
        case WarpOperation::Xor: return "__shfl_xor_sync";
        case WarpOperation::Ballot: return "__ballot_sync";
        case WarpOperation::Any: return "__any_sync";
        default: return "__all_sync";
    }
}

bool isShuffle(WarpOperation operation) { return operation >= WarpOperation::Index && operation <= WarpOperation::Xor; }

/// The lane that a shuffle reads; its own where the wanted one is outside its part of the warp.
unsigned source(const Thread& thread, unsigned lane) {
    const unsigned width = thread.width, inner = lane & (width - 1);
    switch (thread.operation) {
        case WarpOperation::Index: return (lane & ~(width - 1)) | (thread.argument & (width - 1));
        case WarpOperation::Up: return thread.argument > inner ? lane : lane - thread.argument;
        case WarpOperation::Down: return inner + thread.argument >= width ? lane : lane + thread.argument;
        default: {
            const unsigned other = lane ^ thread.argument;
            return other >= (lane & ~(width - 1)) + width ? lane : other;
        }
    }
}

/// Everybody is there: gives each lane its result and lets it go on.
void finish(Warp& warp, WarpGroup& group, Thread* lanes) {
    uint32_t votes = 0;
    for (unsigned lane = 0; lane < WarpSize; ++lane) {
        if ((group.mask >> lane & 1) != 0 && lanes[lane].value != 0) {
            votes |= 1u << lane;
        }
    }
    for (unsigned lane = 0; lane < WarpSize; ++lane) {
        if ((group.mask >> lane & 1) == 0) {
            continue;
        }
        Thread& thread = lanes[lane];
        if (isShuffle(group.operation)) {
            const unsigned from = source(thread, lane);
            if (from >= WarpSize || (group.mask >> from & 1) == 0) {
                abandon(CUDA_ERROR_LAUNCH_FAILED, "warp", text("in %s lane %u reads lane %u, which the mask 0x%08x does not name",
                    nameOf(group.operation), lane, from, group.mask));
            }
            thread.result = lanes[from].value;
        } else {
            thread.result = group.operation == WarpOperation::Ballot ? votes
                : group.operation == WarpOperation::Any              ? votes != 0
                                                                     : votes == group.mask;
        }
        thread.state = ThreadState::Ready;
    }
    if (group.operation == WarpOperation::Sync) {
        ++warp.period;
    }
    group = {};
}

}

uint64_t meetWarp(WarpOperation operation, uint32_t mask, uint64_t value, uint32_t argument, uint32_t width) {
    Thread& thread = *run_.thread;
    const unsigned number = thread.number / WarpSize, lane = thread.number % WarpSize;
    Warp& warp = run_.warps[number];
    if ((mask >> lane & 1) == 0 || (mask & ~warp.lanes) != 0) {
        abandon(CUDA_ERROR_LAUNCH_FAILED, "warp", text("the mask 0x%08x of %s %s", mask, nameOf(operation),
            (mask & ~warp.lanes) != 0 ? "names lanes that the block does not have" : "does not name the lane itself"));
    }
    if (isShuffle(operation) && (width == 0 || width > WarpSize || (width & (width - 1)) != 0)) {
        abandon(CUDA_ERROR_LAUNCH_FAILED, "warp", text("the width %u of %s is no power of two up to 32", width, nameOf(operation)));
    }
    thread.operation = operation;
    thread.mask = mask;
    thread.value = value;
    thread.argument = argument;
    thread.width = width;
    WarpGroup* mine = nullptr;
    for (WarpGroup& group : warp.groups) {
        if (group.arrived != 0 && group.mask == mask && group.operation == operation) {
            mine = &group;
            break;
        }
        if (mine == nullptr && group.arrived == 0) {
            mine = &group;
        }
    }
    if (mine == nullptr) {
        abandon(CUDA_ERROR_LAUNCH_FAILED, "warp", "lanes of a warp wait with more than eight different masks");
    }
    mine->mask = mask;
    mine->operation = operation;
    mine->arrived |= 1u << lane;
    if (mine->arrived == mask) {
        finish(warp, *mine, run_.threads + number * WarpSize);
        remark();
    } else {
        suspend(ThreadState::AtWarp);
    }
    return thread.result;
}

std::string stuckWarp(unsigned warp) {
    std::string found;
    for (const WarpGroup& group : run_.warps[warp].groups) {
        if (group.arrived != 0) {
            found += text("%s with mask 0x%08x waits, lanes 0x%08x have come; ", nameOf(group.operation), group.mask, group.arrived);
        }
    }
    return found + "the other lanes have ended, wait in __syncthreads, or came with another mask";
}

}

using namespace emulation::execution;
using emulation::Dim3Value;

EXPORT uint64_t moe_emulation_shuffle(int kind, uint32_t mask, uint64_t value, uint32_t argument, uint32_t width) {
    return meetWarp(static_cast<WarpOperation>(static_cast<int>(WarpOperation::Index) + kind), mask, value, argument, width);
}

EXPORT uint32_t moe_emulation_vote(int kind, uint32_t mask, int predicate) {
    return static_cast<uint32_t>(meetWarp(
        static_cast<WarpOperation>(static_cast<int>(WarpOperation::Ballot) + kind), mask, predicate != 0, 0, WarpSize));
}

EXPORT void moe_emulation_syncwarp(uint32_t mask) { meetWarp(WarpOperation::Sync, mask, 0, 0, WarpSize); }

EXPORT void moe_emulation_syncthreads() { suspend(ThreadState::AtBarrier); }

/// The barriers that count (0), or (1) and and (2) a predicate over the block.
EXPORT int moe_emulation_syncthreads_vote(int kind, int predicate) {
    run_.thread->predicate = predicate;
    suspend(ThreadState::AtBarrier);
    const unsigned votes = run_.votes;
    return static_cast<int>(kind == 0 ? votes : kind == 1 ? votes != 0 : votes == run_.launch->block.count());
}

EXPORT Dim3Value moe_emulation_thread_index() { return {run_.thread->index.x, run_.thread->index.y, run_.thread->index.z}; }
EXPORT Dim3Value moe_emulation_block_index() { return {run_.block.x, run_.block.y, run_.block.z}; }
EXPORT Dim3Value moe_emulation_block_size() { return {run_.launch->block.x, run_.launch->block.y, run_.launch->block.z}; }
EXPORT Dim3Value moe_emulation_grid_size() { return {run_.launch->grid.x, run_.launch->grid.y, run_.launch->grid.z}; }
