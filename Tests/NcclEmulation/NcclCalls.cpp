#include "Clique.h"
#include "Mailbox.h"
#include "../CudaEmulation/Driver/Calls.h"
#include "../CudaEmulation/Faults/Faults.h"
#include <algorithm>
#include <chrono>
#include <climits>
#include <cstring>
#include <thread>
#include <utility>

using namespace emulation;
using namespace emulation::nccl;

namespace {

constexpr int OldestBlocking = 21400;
constexpr unsigned ConfigMagic = 0xCAFEBEEF;
constexpr int Version = 22807;

thread_local int claimed = 0;

std::map<std::string, std::shared_ptr<Clique>>* const Cliques = new std::map<std::string, std::shared_ptr<Clique>>;
std::set<Communicator*>* const Living = new std::set<Communicator*>;
std::map<int, Plant>* const Plants = new std::map<int, Plant>;
std::map<int, Counts>* const Counted = new std::map<int, Counts>;

/// What a thread has called since it began a group.
struct Group {
    int depth = 0;
    ncclResult_t failed = ncclSuccess;
    std::vector<std::pair<Communicator*, std::pair<Stream*, Call>>> calls;
};

thread_local Group group;

ncclResult_t wrong(const char* function, const std::string& what, ncclResult_t result = ncclInvalidUsage) {
    report("nccl", text("%s: ", function) + what);
    return result;
}

/// What goes on by itself goes on when it is asked for, some time after it was begun.
int drawReluctance() { return static_cast<int>(streamOrder().below(4)); }

bool hasDuplicate(const Clique& clique) {
    std::set<const Context*> contexts;
    return std::any_of(clique.joined.begin(), clique.joined.end(), [&](const Communicator* one) { return one != nullptr && !contexts.insert(one->context).second; });
}

/// Lets what was begun go on by one step, and says how it stands.
ncclResult_t progress(Communicator& communicator) {
    if (communicator.failed != ncclSuccess) {
        return communicator.failed;
    }
    if (!communicator.ready && !communicator.clique->complete()) {
        return ncclInProgress;
    }
    communicator.ready = true;
    if (hasDuplicate(*communicator.clique)) {
        communicator.lastError = "Duplicate GPU detected";
        return communicator.failed = ncclInvalidUsage;
    }
    if (communicator.reluctance > 0) {
        --communicator.reluctance;
        return ncclInProgress;
    }
    if (!communicator.deferred.empty()) {
        launch(communicator, std::exchange(communicator.deferred, {}), *communicator.deferredStream);
    }
    if (communicator.finalizing && !engine::reached(communicator.last)) {
        engine::nudge(communicator.last);
        return engine::reached(communicator.last) ? ncclSuccess : ncclInProgress;
    }
    if (suffers(communicator, Fault::AsynchronousError)) {
        communicator.lastError = "planted";
        return communicator.failed = plantOf(communicator).value;
    }
    return ncclSuccess;
}

/// A rank is gone for good; with the last one of a communicator its id is worth nothing any more.
void leave(Communicator& communicator) {
    Living->erase(&communicator);
    mailbox::leave(communicator.clique->id, communicator.rank);
    const Clique& clique = *communicator.clique;
    if (std::none_of(clique.joined.begin(), clique.joined.end(), [](Communicator* one) { return Living->contains(one); })) {
        Cliques->erase(std::string(clique.id));
    }
}

ncclResult_t submit(Communicator& communicator, Stream* stream, const std::vector<Call>& calls) {
    if (suffers(communicator, Fault::CallFails)) {
        return communicator.failed = plantOf(communicator).value;
    }
    communicator.reluctance = communicator.blocking ? 0 : drawReluctance();
    if (communicator.reluctance == 0) {
        launch(communicator, calls, *stream);
        return ncclSuccess;
    }
    communicator.deferred = calls;
    communicator.deferredStream = stream;
    return ncclInProgress;
}

ncclResult_t endGroup() {
    std::vector<Communicator*> order;
    for (const auto& [communicator, call] : group.calls) {
        if (std::find(order.begin(), order.end(), communicator) == order.end()) {
            order.push_back(communicator);
        }
    }
    ncclResult_t result = std::exchange(group.failed, ncclSuccess);
    for (Communicator* communicator : order) {
        std::vector<Call> calls;
        Stream* stream = nullptr;
        for (const auto& [of, call] : group.calls) {
            if (of == communicator) {
                stream = call.first;
                calls.push_back(call.second);
            }
        }
        if (result == ncclSuccess || result == ncclInProgress) {
            const ncclResult_t one = submit(*communicator, stream, calls);
            result = one == ncclSuccess ? result : one;
        }
    }
    group.calls.clear();
    return result;
}

ncclResult_t call(const char* function, ncclComm_t communicator, CUstream handle, const Call& call) {
    engine::Guard guard;
    // What fails in a group is told again at its end.
    const auto fails = [](ncclResult_t result) { return group.depth > 0 ? group.failed = result : result; };
    const auto fail = [&](const std::string& what, ncclResult_t result = ncclInvalidUsage) { return fails(wrong(function, what, result)); };
    if (!Living->contains(communicator)) {
        return fail("no such communicator", ncclInvalidArgument);
    }
    if (communicator->failed != ncclSuccess) {
        return fails(communicator->failed);
    }
    if (!communicator->ready || communicator->finalizing || communicator->reluctance > 0 || !communicator->deferred.empty()) {
        return fail("the communicator is still busy with what was begun before, or is being ended");
    }
    if (driver::currentContext() != communicator->context) {
        return fail("another device's context is current");
    }
    if (communicator->context->error != CUDA_SUCCESS) {
        return fails(ncclUnhandledCudaError);
    }
    Stream* stream = driver::streamOf(handle);
    const bool isReduction = call.kind == Kind::AllReduce || call.kind == Kind::ReduceScatter;
    if (stream == nullptr || call.peer < 0 || call.peer >= communicator->clique->ranks || call.type < 0 || call.type > 11 || (isReduction && call.type != 7)) {
        return fail("a stream, a rank or a type that does not exist here", ncclInvalidArgument);
    }
    group.calls.push_back({communicator, {stream, call}});
    return group.depth > 0 ? ncclSuccess : endGroup();
}

}

namespace emulation::nccl {

Plant& plantOf(const Communicator& communicator) { return (*Plants)[communicator.context->device]; }

Counts& countsOf(const Communicator& communicator) { return (*Counted)[communicator.context->device]; }

bool suffers(const Communicator& communicator, Fault fault) {
    const Plant& plant = plantOf(communicator);
    return plant.fault == fault && countsOf(communicator).launches >= plant.after;
}

}

EXPORT ncclResult_t ncclGetVersion(int* version) {
    *version = claimed != 0 ? claimed : Version;
    return ncclSuccess;
}

EXPORT const char* ncclGetErrorString(ncclResult_t result) {
    static const char* const Words[] = {"no error", "unhandled cuda error (run with NCCL_DEBUG=INFO for details)", "unhandled system error (run with NCCL_DEBUG=INFO for details)",
        "internal error", "invalid argument (run with NCCL_DEBUG=WARN for details)", "invalid usage (run with NCCL_DEBUG=WARN for details)",
        "remote process exited or there was a network error", "NCCL operation in progress"};
    return result >= 0 && result <= ncclInProgress ? Words[result] : "unknown result code";
}

EXPORT const char* ncclGetLastError(ncclComm_t communicator) {
    engine::Guard guard;
    return Living->contains(communicator) ? communicator->lastError.c_str() : "";
}

EXPORT ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
    engine::Guard guard;
    static Draw draw(static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()));
    for (char& byte : id->internal) {
        byte = static_cast<char>(draw.next());
    }
    mailbox::open(std::string(id->internal, sizeof id->internal));
    return ncclSuccess;
}

EXPORT ncclResult_t ncclCommInitRankConfig(ncclComm_t* made, int ranks, ncclUniqueId id, int rank, const ncclConfig_t* given) {
    ncclConfig_t config;
    std::memset(&config, 0, sizeof config);
    config.blocking = INT_MIN;
    if (given != nullptr) {
        std::memcpy(&config, given, std::min(sizeof config, given->size));
    }
    {
        engine::Guard guard;
        const std::string key(id.internal, sizeof id.internal);
        if (given != nullptr && (config.magic != ConfigMagic || config.version < OldestBlocking || (config.blocking != INT_MIN && config.blocking != 0 && config.blocking != 1)
            || (config.minCTAs != INT_MIN && config.minCTAs <= 0) || (config.maxCTAs != INT_MIN && config.maxCTAs <= 0)
            || (config.cgaClusterSize != INT_MIN && config.cgaClusterSize < 0) || (config.splitShare != INT_MIN && config.splitShare != 0 && config.splitShare != 1))) {
            return wrong(__func__, "a configuration that was not initialised", ncclInvalidArgument);
        }
        if (!mailbox::isOpen(key)) {
            return wrong(__func__, "an id that ncclGetUniqueId has not made", ncclInvalidArgument);
        }
        if (driver::currentContext() == nullptr) {
            return wrong(__func__, "no context is current", ncclUnhandledCudaError);
        }
        auto& clique = (*Cliques)[key];
        if (!clique) {
            clique = std::make_shared<Clique>();
            clique->id = key;
            clique->ranks = ranks;
            clique->joined.resize(static_cast<size_t>(std::max(ranks, 0)));
        }
        if (ranks < 1 || clique->ranks != ranks || rank < 0 || rank >= ranks || clique->joined[static_cast<size_t>(rank)] != nullptr) {
            return wrong(__func__, text("rank %d of %d of a communicator of %d, or one that is there already", rank, ranks, clique->ranks), ncclInvalidArgument);
        }
        auto* communicator = new Communicator;
        communicator->clique = clique;
        communicator->context = driver::currentContext();
        communicator->rank = rank;
        communicator->blocking = config.blocking != 0;
        communicator->reluctance = drawReluctance();
        communicator->sends.resize(static_cast<size_t>(ranks));
        communicator->receives.resize(static_cast<size_t>(ranks));
        communicator->absent = suffers(*communicator, Fault::NeverJoins);
        clique->joined[static_cast<size_t>(rank)] = communicator;
        if (!communicator->absent) {
            mailbox::join(key, rank);
        }
        Living->insert(communicator);
        *made = communicator;
        if (!communicator->blocking) {
            return ncclInProgress;
        }
    }
    for (;;) {
        {
            engine::Guard guard;
            if (const ncclResult_t state = progress(**made); state != ncclInProgress) {
                return state;
            }
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

EXPORT ncclResult_t ncclCommGetAsyncError(ncclComm_t communicator, ncclResult_t* state) {
    engine::Guard guard;
    if (!Living->contains(communicator)) {
        return wrong(__func__, "no such communicator", ncclInvalidArgument);
    }
    *state = progress(*communicator);
    return ncclSuccess;
}

EXPORT ncclResult_t ncclCommFinalize(ncclComm_t communicator) {
    engine::Guard guard;
    if (!Living->contains(communicator) || communicator->finalizing) {
        return wrong(__func__, "no such communicator, or again", ncclInvalidArgument);
    }
    communicator->finalizing = true;
    communicator->reluctance = drawReluctance();
    return ncclInProgress;
}

EXPORT ncclResult_t ncclCommDestroy(ncclComm_t communicator) {
    engine::Guard guard;
    if (!Living->contains(communicator)) {
        return wrong(__func__, "no such communicator", ncclInvalidArgument);
    }
    engine::await(communicator->last);
    leave(*communicator);
    return ncclSuccess;
}

/// What the rank has queued does nothing any more. The others notice only if a network tells them: they wait. On real GPUs it may last until everything has been
/// done that is queued on the device, by whomever: that can be planted.
EXPORT ncclResult_t ncclCommAbort(ncclComm_t communicator) {
    engine::Guard guard;
    if (!Living->contains(communicator)) {
        return wrong(__func__, "no such communicator", ncclInvalidArgument);
    }
    communicator->aborted = true;
    communicator->deferred.clear();
    engine::wake();
    if (suffers(*communicator, Fault::AbortWaits)) {
        engine::awaitAll(*communicator->context);
    }
    leave(*communicator);
    engine::wake();
    return ncclSuccess;
}

EXPORT ncclResult_t ncclGroupStart() {
    ++group.depth;
    return ncclSuccess;
}

EXPORT ncclResult_t ncclGroupEnd() {
    engine::Guard guard;
    if (group.depth == 0) {
        return wrong(__func__, "no group was begun");
    }
    return --group.depth > 0 ? ncclSuccess : endGroup();
}

EXPORT ncclResult_t ncclSend(CUdeviceptr from, size_t count, ncclDataType_t type, int peer, ncclComm_t communicator, CUstream stream) {
    return call(__func__, communicator, stream, {Kind::Send, from, 0, count, type, peer});
}

EXPORT ncclResult_t ncclRecv(CUdeviceptr to, size_t count, ncclDataType_t type, int peer, ncclComm_t communicator, CUstream stream) {
    return call(__func__, communicator, stream, {Kind::Receive, 0, to, count, type, peer});
}

EXPORT ncclResult_t ncclAllGather(CUdeviceptr from, CUdeviceptr to, size_t count, ncclDataType_t type, ncclComm_t communicator, CUstream stream) {
    return call(__func__, communicator, stream, {Kind::AllGather, from, to, count, type, 0});
}

EXPORT ncclResult_t ncclBroadcast(CUdeviceptr from, CUdeviceptr to, size_t count, ncclDataType_t type, int root, ncclComm_t communicator, CUstream stream) {
    return call(__func__, communicator, stream, {Kind::Broadcast, from, to, count, type, root});
}

EXPORT ncclResult_t ncclAllReduce(CUdeviceptr from, CUdeviceptr to, size_t count, ncclDataType_t type, ncclRedOp_t, ncclComm_t communicator, CUstream stream) {
    return call(__func__, communicator, stream, {Kind::AllReduce, from, to, count, type, 0});
}

EXPORT ncclResult_t ncclReduceScatter(CUdeviceptr from, CUdeviceptr to, size_t count, ncclDataType_t type, ncclRedOp_t, ncclComm_t communicator, CUstream stream) {
    return call(__func__, communicator, stream, {Kind::ReduceScatter, from, to, count, type, 0});
}

/// Says that it is another version, to this thread; 0: its own.
EXPORT void moe_nccl_claim(int version) { claimed = version; }

/// Plants a fault on a device, from its so-manieth launch on; 0 takes it away.
EXPORT void moe_nccl_plant(int device, int fault, int after, int value) {
    engine::Guard guard;
    (*Plants)[device] = {static_cast<Fault>(fault), after, value};
    (*Counted)[device] = {};
    engine::wake();
}

/// What a device has done since its last fault was planted: 0 launches, 1 calls, 2 bytes that it gave to others.
EXPORT int64_t moe_nccl_count(int device, int what) {
    engine::Guard guard;
    const Counts& counts = (*Counted)[device];
    return what == 0 ? counts.launches : what == 1 ? counts.calls : counts.bytes;
}

/// How many communicators of a device are neither destroyed nor aborted.
EXPORT int moe_nccl_living(int device) {
    engine::Guard guard;
    return static_cast<int>(std::count_if(Living->begin(), Living->end(), [device](const Communicator* one) { return one->context->device == device; }));
}
