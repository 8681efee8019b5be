#pragma once
#include "NcclTypes.h"
#include "../CudaEmulation/Streams/Engine.h"
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

// Ranks that meet: what one of them has called is done on its stream when the others have come to the same on theirs. As on real GPUs, a rank that does not come
// leaves the others waiting for good, until each of them gives up by itself. All of it is guarded by the engine's lock.
namespace emulation::nccl {

enum class Kind { Send, Receive, AllGather, Broadcast, AllReduce, ReduceScatter };

/// One call of a rank.
struct Call {
    Kind kind = Kind::Send;
    CUdeviceptr from = 0, to = 0;
    size_t count = 0;
    ncclDataType_t type = 0;
    int peer = 0;  // the other rank, or the root

    size_t bytes() const;
};

struct Communicator;

/// What a rank gave to its stream at once: first it arrives, then it takes what comes to it, then it waits until the others have taken what comes from it.
struct Launch {
    Communicator* communicator = nullptr;
    bool arrived = false, moved = false, departed = false;
    Point arrival, move, departure;
    std::vector<std::shared_ptr<struct Meeting>> sent, received;
    std::vector<std::shared_ptr<struct Collective>> collectives;
};

/// A sender and a receiver.
struct Meeting {
    std::shared_ptr<Launch> sender, receiver;
    Call send, receive;
    bool taken = false;

    bool mismatched() const { return sender && receiver && send.bytes() != receive.bytes(); }
};

/// All ranks.
struct Collective {
    std::vector<std::shared_ptr<Launch>> launches;
    std::vector<Call> calls;
    std::vector<float> result;  // of a reduction, when the first rank has come to need it
    bool mismatched = false;
};

/// The ranks of one unique id.
struct Clique {
    std::string id;
    int ranks = 0;
    std::vector<Communicator*> joined;  // by rank
    std::map<std::tuple<int, int, uint64_t>, std::shared_ptr<Meeting>> meetings;
    std::map<uint64_t, std::shared_ptr<Collective>> collectives;

    /// Whether all ranks have joined, here or in other processes.
    bool complete() const;

    /// Whether all ranks are in this process.
    bool isLocal() const;
};

/// A fault that was planted on a device.
enum class Fault { None = 0, NeverJoins = 1, NeverArrives = 2, ArrivesLate = 3, AsynchronousError = 4, CallFails = 5, AbortWaits = 6 };

/// A rank. It stays when it is gone, so that its use is found.
struct Communicator {
    std::shared_ptr<Clique> clique;
    Context* context = nullptr;
    int rank = 0;
    bool blocking = true;
    bool ready = false;  // once all have joined
    bool aborted = false, finalizing = false, absent = false;
    ncclResult_t failed = ncclSuccess;
    std::string lastError;
    int reluctance = 0;              // polls until what goes on by itself has been done
    std::vector<Call> deferred;      // what a group has left to be queued later
    Stream* deferredStream = nullptr;
    uint64_t sequence = 0;           // of collectives
    std::vector<uint64_t> sends, receives;  // so far, by peer
    Point last;
};

/// Queues what a rank has called on its stream.
void launch(Communicator& communicator, const std::vector<Call>& calls, Stream& stream);

// Of every device:

struct Plant {
    Fault fault = Fault::None;
    int after = 0;  // launches before it
    int value = 0;
};

struct Counts {
    int64_t launches = 0, calls = 0, bytes = 0;
};

Plant& plantOf(const Communicator& communicator);
Counts& countsOf(const Communicator& communicator);

/// Whether the fault that is planted for a communicator is this one, and its time has come.
bool suffers(const Communicator& communicator, Fault fault);

}
