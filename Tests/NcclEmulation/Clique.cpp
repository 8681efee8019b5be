#include "Clique.h"
#include "Mailbox.h"
#include "../CudaEmulation/Faults/Faults.h"
#include "../CudaEmulation/Memory/Arena.h"
#include <algorithm>
#include <chrono>
#include <cstring>

namespace emulation::nccl {

namespace {

constexpr Obstacle Free{};

Obstacle until(const Point& point) { return {true, point}; }

/// Nothing that streams do can help.
constexpr Obstacle Forever{true, {}};

void* at(CUdeviceptr address) { return reinterpret_cast<void*>(address); }

/// Copies between devices; fails the context of the one that takes where memory is not what it should be.
void take(const Communicator& giver, CUdeviceptr from, const Communicator& taker, CUdeviceptr to, size_t bytes) {
    if (bytes == 0 || from == to) {
        return;
    }
    for (const std::string& refused : {arena::refusal(from, bytes, giver.context->device), arena::refusal(to, bytes, taker.context->device)}) {
        if (!refused.empty()) {
            report("address", "NCCL, " + refused);
            taker.context->error = CUDA_ERROR_ILLEGAL_ADDRESS;
            return;
        }
    }
    std::memmove(at(to), at(from), bytes);
}

/// What keeps a launch from going on without another rank's.
Obstacle beforeArrival(const std::shared_ptr<Launch>& other) {
    if (!other || other->communicator->aborted) {
        return Forever;
    }
    return other->arrived ? Free : until(other->arrival);
}

Obstacle beforeMove(const std::shared_ptr<Launch>& other) {
    if (!other || (other->communicator->aborted && !other->moved)) {
        return Forever;
    }
    return other->moved ? Free : until(other->move);
}

bool isMismatched(const Call& a, const Call& b) {
    return a.kind != b.kind || a.count != b.count || a.type != b.type || a.peer != b.peer;
}

/// Sums of all ranks' elements, in an order that is not that of the ranks: those who want bits must not rely on it.
void reduce(Collective& collective) {
    const Call& first = collective.calls[0];
    const size_t ranks = collective.calls.size();
    const size_t count = first.kind == Kind::ReduceScatter ? first.count * ranks : first.count;
    collective.result.assign(count, 0);
    for (size_t rank = ranks; rank-- > 0;) {
        const auto* part = static_cast<const float*>(at(collective.calls[rank].from));
        if (const std::string refused = arena::refusal(collective.calls[rank].from, count * sizeof(float), collective.launches[rank]->communicator->context->device);
            !refused.empty()) {
            report("address", "NCCL, " + refused);
            return;
        }
        for (size_t i = 0; i < count; ++i) {
            collective.result[i] += part[i];
        }
    }
}

void takeAll(Collective& collective, int rank) {
    const Call& mine = collective.calls[static_cast<size_t>(rank)];
    const Communicator& here = *collective.launches[static_cast<size_t>(rank)]->communicator;
    switch (mine.kind) {
        case Kind::AllGather:
            for (size_t peer = 0; peer < collective.calls.size(); ++peer) {
                take(*collective.launches[peer]->communicator, collective.calls[peer].from, here, mine.to + peer * mine.bytes(), mine.bytes());
            }
            break;
        case Kind::Broadcast: {
            const auto root = static_cast<size_t>(mine.peer);
            take(*collective.launches[root]->communicator, collective.calls[root].from, here, mine.to, mine.bytes());
            break;
        }
        default: {
            if (collective.result.empty()) {
                reduce(collective);
            }
            const size_t offset = mine.kind == Kind::ReduceScatter ? static_cast<size_t>(rank) * mine.count : 0;
            if (const std::string refused = arena::refusal(mine.to, mine.bytes(), here.context->device); !refused.empty()) {
                report("address", "NCCL, " + refused);
            } else {
                std::memcpy(at(mine.to), collective.result.data() + offset, mine.bytes());
            }
        }
    }
}

/// A rank that was planted to be slow, or never to come.
std::function<Obstacle()> delayOf(const Communicator& communicator) {
    const bool never = suffers(communicator, Fault::NeverArrives);
    const auto due = std::chrono::steady_clock::now()
        + std::chrono::milliseconds(suffers(communicator, Fault::ArrivesLate) ? plantOf(communicator).value : 0);
    return [&communicator, never, due] { return !communicator.aborted && (never || std::chrono::steady_clock::now() < due) ? Forever : Free; };
}

Obstacle beforeTaking(const Launch& launch) {
    if (launch.communicator->aborted) {
        return Free;
    }
    for (const auto& meeting : launch.received) {
        if (const Obstacle obstacle = meeting->mismatched() ? Forever : beforeArrival(meeting->sender); obstacle.exists) {
            return obstacle;
        }
    }
    for (const auto& collective : launch.collectives) {
        if (collective->mismatched) {
            return Forever;
        }
        for (const auto& other : collective->launches) {
            if (const Obstacle obstacle = beforeArrival(other); obstacle.exists) {
                return obstacle;
            }
        }
    }
    return Free;
}

Obstacle beforeDeparture(const Launch& launch) {
    if (launch.communicator->aborted) {
        return Free;
    }
    for (const auto& meeting : launch.sent) {
        if (const Obstacle obstacle = meeting->taken ? Free : meeting->mismatched() ? Forever : beforeMove(meeting->receiver); obstacle.exists) {
            return obstacle;
        }
    }
    for (const auto& collective : launch.collectives) {
        const auto rank = static_cast<size_t>(launch.communicator->rank);
        if (collective->calls[rank].kind == Kind::Broadcast && collective->calls[rank].peer != launch.communicator->rank) {
            continue;
        }
        for (const auto& other : collective->launches) {
            if (const Obstacle obstacle = beforeMove(other); obstacle.exists) {
                return obstacle;
            }
        }
    }
    return Free;
}

void arrive(Launch& launch) {
    engine::Guard guard;
    launch.arrived = !launch.communicator->aborted;
}

void takeWhatComes(Launch& launch) {
    engine::Guard guard;
    if (launch.communicator->aborted) {
        return;
    }
    for (const auto& meeting : launch.received) {
        take(*meeting->sender->communicator, meeting->send.from, *launch.communicator, meeting->receive.to, meeting->receive.bytes());
        meeting->taken = true;
    }
    for (const auto& collective : launch.collectives) {
        takeAll(*collective, launch.communicator->rank);
    }
    launch.moved = true;
}

void meet(Clique& clique, const std::shared_ptr<Launch>& launch, const Call& call) {
    Communicator& here = *launch->communicator;
    if (call.kind == Kind::Send || call.kind == Kind::Receive) {
        const bool sends = call.kind == Kind::Send;
        uint64_t& number = (sends ? here.sends : here.receives)[static_cast<size_t>(call.peer)];
        auto& meeting = clique.meetings[{sends ? here.rank : call.peer, sends ? call.peer : here.rank, number++}];
        if (!meeting) {
            meeting = std::make_shared<Meeting>();
        }
        (sends ? meeting->sender : meeting->receiver) = launch;
        (sends ? meeting->send : meeting->receive) = call;
        (sends ? launch->sent : launch->received).push_back(meeting);
        if (meeting->mismatched()) {
            report("nccl", text("rank %d is sent %zu bytes and expects %zu", sends ? call.peer : here.rank, meeting->send.bytes(), meeting->receive.bytes()));
        }
        return;
    }
    auto& collective = clique.collectives[here.sequence++];
    if (!collective) {
        collective = std::make_shared<Collective>();
        collective->launches.resize(static_cast<size_t>(clique.ranks));
        collective->calls.resize(static_cast<size_t>(clique.ranks));
    }
    for (size_t rank = 0; rank < collective->launches.size(); ++rank) {
        if (collective->launches[rank] && isMismatched(call, collective->calls[rank])) {
            collective->mismatched = true;
            report("nccl", text("ranks %d and %zu call different collectives", here.rank, rank));
        }
    }
    collective->launches[static_cast<size_t>(here.rank)] = launch;
    collective->calls[static_cast<size_t>(here.rank)] = call;
    launch->collectives.push_back(collective);
}

void count(const Communicator& communicator, const std::vector<Call>& calls) {
    Counts& counts = countsOf(communicator);
    ++counts.launches;
    counts.calls += static_cast<int64_t>(calls.size());
    for (const Call& call : calls) {
        const bool gives = call.kind == Kind::Send ? call.peer != communicator.rank
            : call.kind == Kind::Broadcast ? call.peer == communicator.rank : call.kind != Kind::Receive;
        const int takers = call.kind == Kind::Send ? 1 : communicator.clique->ranks - 1;
        counts.bytes += gives ? static_cast<int64_t>(call.bytes()) * takers : 0;
    }
}

/// What nobody needs any more is forgotten: with the launch, the meetings that it had.
void forget(Clique& clique, const Launch& launch) {
    std::erase_if(clique.meetings, [&](const auto& entry) { return entry.second->taken && entry.second->sender.get() == &launch; });
    std::erase_if(clique.collectives, [](const auto& entry) {
        return std::all_of(entry.second->launches.begin(), entry.second->launches.end(), [](const auto& other) { return other && other->departed; });
    });
}

}

size_t Call::bytes() const {
    static constexpr size_t Sizes[] = {1, 1, 4, 4, 8, 8, 2, 4, 8, 2, 1, 1};
    return count * Sizes[type];
}

bool Clique::isLocal() const {
    return std::all_of(joined.begin(), joined.end(), [](Communicator* one) { return one != nullptr; });
}

bool Clique::complete() const {
    for (int rank = 0; rank < ranks; ++rank) {
        const Communicator* here = joined[static_cast<size_t>(rank)];
        if (here != nullptr ? here->absent : !mailbox::hasJoined(id, rank)) {
            return false;
        }
    }
    return true;
}

void launch(Communicator& communicator, const std::vector<Call>& calls, Stream& stream) {
    std::function<Obstacle()> delay = delayOf(communicator);
    count(communicator, calls);
    if (!communicator.clique->isLocal()) {
        mailbox::launch(communicator, calls, stream, std::move(delay));
        return;
    }
    auto launched = std::make_shared<Launch>();
    launched->communicator = &communicator;
    for (const Call& call : calls) {
        meet(*communicator.clique, launched, call);
    }
    const std::shared_ptr<Clique> clique = communicator.clique;
    launched->arrival = engine::enqueue(stream, {"nccl arrival", [launched] { arrive(*launched); }, {}, false, std::move(delay)});
    launched->move = engine::enqueue(stream, {"nccl", [launched] { takeWhatComes(*launched); }, {}, false, [launched] { return beforeTaking(*launched); }});
    launched->departure = engine::enqueue(stream, {"nccl departure", [launched, clique] {
        engine::Guard guard;
        launched->departed = true;
        forget(*clique, *launched);

        // They know this launch, too.
        launched->sent.clear();
        launched->received.clear();
        launched->collectives.clear();
    }, {}, false, [launched] { return beforeDeparture(*launched); }});
    communicator.last = launched->departure;
    engine::wake();
}

}
