#include "Engine.h"
#include "../Faults/Faults.h"
#include "../Memory/Arena.h"
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace emulation::engine {

namespace {

/// What a thread of the host waits for; at most so many operations are executed for it.
struct Demand {
    Point point;
    int budget;
};

std::mutex* const Lock = new std::mutex;
std::condition_variable* const Wake = new std::condition_variable;  // for the device's thread
std::condition_variable* const Done = new std::condition_variable;  // for everybody who waits
std::condition_variable* const HostWork = new std::condition_variable;
std::vector<Stream*>* const Streams = new std::vector<Stream*>;
std::vector<Demand*>* const Demands = new std::vector<Demand*>;
std::deque<std::pair<Stream*, Operation>>* const HostFunctions = new std::deque<std::pair<Stream*, Operation>>;
std::deque<Demand>* const Pressed = new std::deque<Demand>;  // nobody waits for these
bool started = false;
Context* current = nullptr;
thread_local bool isHostThread = false;

constexpr int Unlimited = 1 << 30;
constexpr std::chrono::milliseconds Pause{2};  // obstacles may go with time

Obstacle obstacleOf(const Operation& operation) { return operation.obstacle ? operation.obstacle() : Obstacle{}; }

bool ready(const Stream& stream) {
    return !stream.busy && !stream.queue.empty()
        && std::all_of(stream.queue.front().after.begin(), stream.queue.front().after.end(), [](const Point& p) { return reached(p); })
        && !obstacleOf(stream.queue.front()).exists;
}

/// A stream that was closed is forgotten when its work is done; its object stays, as points may name it.
void retire(Stream& stream) {
    if (stream.destroyed && stream.completed == stream.enqueued) {
        std::erase(*Streams, &stream);
    }
}

void complete(Stream& stream) {
    ++stream.completed;
    retire(stream);
    Done->notify_all();
}

/// The stream whose next operation a point needs first; it may be busy, or held up for good by another one that waits for it.
Stream* neededFor(Point point) {
    for (size_t hops = 0;; ++hops) {
        Stream* stream = point.stream;
        if (stream->busy || stream->queue.empty() || hops > Streams->size()) {
            return stream;
        }
        const Operation& next = stream->queue.front();
        const auto missing = std::find_if(next.after.begin(), next.after.end(), [](const Point& p) { return !reached(p); });
        if (missing != next.after.end()) {
            point = *missing;
            continue;
        }
        const Obstacle obstacle = obstacleOf(next);
        if (!obstacle.exists || obstacle.point.stream == nullptr) {
            return stream;
        }
        point = obstacle.point;
    }
}

/// The stream to go on with: mostly one that is needed, sometimes any. nullptr: nothing can be done now.
Stream* choose(const Demand& demand) {
    Stream* needed = neededFor(demand.point);
    std::vector<Stream*> open;
    std::copy_if(Streams->begin(), Streams->end(), std::back_inserter(open), [](Stream* stream) { return ready(*stream); });
    if (open.empty()) {
        return nullptr;
    }
    return ready(*needed) && streamOrder().below(4) != 0 ? needed : open[streamOrder().below(static_cast<uint32_t>(open.size()))];
}

void execute(Stream& stream, std::unique_lock<std::mutex>& lock) {
    Operation operation = std::move(stream.queue.front());
    stream.queue.pop_front();
    if (stream.context->error != CUDA_SUCCESS) {
        complete(stream);
    } else if (operation.onHostThread) {
        stream.busy = true;
        HostFunctions->emplace_back(&stream, std::move(operation));
        HostWork->notify_one();
    } else {
        stream.busy = true;
        current = stream.context;
        lock.unlock();
        operation.run();
        lock.lock();
        stream.busy = false;
        complete(stream);
    }
}

[[noreturn]] void deviceThread() {
    arena::open();
    std::unique_lock lock(*Lock);
    for (;;) {
        std::erase_if(*Demands, [](Demand* demand) { return demand->budget <= 0 || reached(demand->point); });
        std::erase_if(*Pressed, [](const Demand& demand) { return reached(demand.point); });
        Stream* chosen = nullptr;
        Demand* served = nullptr;
        if (!Demands->empty() || !Pressed->empty()) {
            const auto drawn = streamOrder().below(static_cast<uint32_t>(Demands->size() + Pressed->size()));
            served = drawn < Demands->size() ? (*Demands)[drawn] : &(*Pressed)[drawn - Demands->size()];
            chosen = choose(*served);
        }
        if (chosen == nullptr) {
            // Who only asks is answered that it is not done.
            std::erase_if(*Demands, [](Demand* demand) { return demand->budget < Unlimited / 2; });
            Done->notify_all();
            if (Demands->empty() && Pressed->empty()) {
                Wake->wait(lock);
            } else {
                Wake->wait_for(lock, Pause);
            }
            continue;
        }
        --served->budget;
        execute(*chosen, lock);
    }
}

[[noreturn]] void hostThread() {
    isHostThread = true;
    std::unique_lock lock(*Lock);
    for (;;) {
        HostWork->wait(lock, [] { return !HostFunctions->empty(); });
        auto [stream, operation] = std::move(HostFunctions->front());
        HostFunctions->pop_front();
        lock.unlock();
        operation.run();
        lock.lock();
        stream->busy = false;
        complete(*stream);
        Wake->notify_all();
    }
}

void start() {
    if (!started) {
        started = true;
        std::thread(deviceThread).detach();
        std::thread(hostThread).detach();
    }
}

/// Lets the device's thread work for a demand until it is met or spent.
void serve(Demand demand) {
    std::unique_lock held(*Lock, std::adopt_lock);
    Demands->push_back(&demand);
    Wake->notify_all();
    Done->wait(held, [&] { return reached(demand.point) || std::find(Demands->begin(), Demands->end(), &demand) == Demands->end(); });
    std::erase(*Demands, &demand);
    held.release();
}

}

void lock() { Lock->lock(); }

void unlock() { Lock->unlock(); }

Stream* openStream(Context& context, bool blocking) {
    start();
    auto* stream = new Stream;
    stream->context = &context;
    stream->blocking = blocking;
    Streams->push_back(stream);
    return stream;
}

void closeStream(Stream* stream) {
    stream->destroyed = true;
    retire(*stream);
}

void closeAll(Context& context) {
    const std::vector<Stream*> streams = *Streams;
    for (Stream* stream : streams) {
        if (stream->context == &context && !stream->isDefault) {
            closeStream(stream);
        }
    }
}

bool isStream(const Stream* stream) {
    const auto found = std::find(Streams->begin(), Streams->end(), stream);
    return found != Streams->end() && !(*found)->destroyed;
}

Point enqueue(Stream& stream, Operation operation) {
    // The default stream waits for the blocking ones and they for it.
    for (Stream* other : *Streams) {
        if (other != &stream && other->context == stream.context && other->blocking && stream.blocking && (stream.isDefault || other->isDefault)
            && other->completed < other->enqueued) {
            operation.after.push_back({other, other->enqueued});
        }
    }
    stream.queue.push_back(std::move(operation));
    return {&stream, ++stream.enqueued};
}

bool reached(const Point& point) { return point.stream == nullptr || point.stream->completed >= point.ticket; }

void await(const Point& point) {
    if (!reached(point)) {
        serve({point, Unlimited});
    }
}

void awaitAll(Context& context) {
    const std::vector<Stream*> streams = *Streams;
    for (Stream* stream : streams) {
        if (stream->context == &context) {
            await({stream, stream->enqueued});
        }
    }
}

void nudge(const Point& point) {
    if (!reached(point)) {
        serve({point, 2});
    }
}

void wake() { Wake->notify_all(); }

void press(const Point& point) {
    Pressed->push_back({point, Unlimited});
    Wake->notify_all();
}

void drop(Context& context) {
    for (Stream* stream : *Streams) {
        if (stream->context == &context) {
            stream->completed += stream->queue.size();
            stream->queue.clear();
        }
    }
    Done->notify_all();
}

int liveStreams(const Context& context) {
    return static_cast<int>(
        std::count_if(Streams->begin(), Streams->end(), [&](Stream* stream) { return stream->context == &context && !stream->destroyed && !stream->isDefault; }));
}

Context& executing() { return *current; }

void fail(CUresult error) {
    Guard guard;
    if (current->error == CUDA_SUCCESS) {
        current->error = error;
    }
}

void fail(CUresult error, const char* kind, const std::string& message) {
    report(kind, message);
    fail(error);
}

bool insideHostFunction() { return isHostThread; }

}
