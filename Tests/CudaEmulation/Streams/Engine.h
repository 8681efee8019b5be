#pragma once
#include "../Driver/CudaTypes.h"
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

// Work that was given to streams, done as late as is allowed: only when a thread of the host waits for something, and then
// in an order that a seed draws from those that streams and events leave open. One thread of the emulation does it all.
namespace emulation {

/// A device's primary context, with everything that lives in it.
struct Context {
    int device = 0;
    int references = 0;
    CUresult error = CUDA_SUCCESS;  // the sticky one
    Stream* defaultStream = nullptr;
    uint64_t used = 0;  // bytes of device memory
};

/// A point in a stream: everything before it has been done when the stream has completed so many operations.
struct Point {
    Stream* stream = nullptr;
    uint64_t ticket = 0;
};

/// What holds an operation up that depends on more than points which were known when it was queued.
struct Obstacle {
    bool exists = false;
    Point point;  // what must be reached first; no stream: something that streams cannot bring about
};

struct Operation {
    std::string name;
    std::function<void()> run;
    std::vector<Point> after;
    bool onHostThread = false;
    std::function<Obstacle()> obstacle;  // asked with the lock held, whenever the operation might begin
};

struct Stream {
    Context* context = nullptr;
    bool blocking = true;  // ordered with the default stream
    bool isDefault = false;
    bool destroyed = false;
    bool busy = false;  // a host function of it is running
    uint64_t enqueued = 0, completed = 0;
    std::deque<Operation> queue;
};

struct Event {
    Context* context = nullptr;
    bool timed = true;
    bool recorded = false;
    bool destroyed = false;
    Point point;
    std::shared_ptr<double> time;  // in milliseconds, once done
};

namespace engine {

/// Guards everything that calls share; the device's thread does without it while it executes an operation.
void lock();
void unlock();
struct Guard {
    Guard() { lock(); }
    ~Guard() { unlock(); }
    Guard(const Guard&) = delete;
};

// All of these want the lock held.

Stream* openStream(Context& context, bool blocking);
void closeStream(Stream* stream);
void closeAll(Context& context);
bool isStream(const Stream* stream);

/// Queues an operation and says when it will have been done.
Point enqueue(Stream& stream, Operation operation);

bool reached(const Point& point);

/// Waits until a point is reached: executes what it needs, and whatever else the seed likes.
void await(const Point& point);

/// Waits until everything of a context has been done.
void awaitAll(Context& context);

/// Executes an operation or so towards a point that a query asks for.
void nudge(const Point& point);

/// Something has changed that an obstacle depends on.
void wake();

/// Has a point reached without anybody here waiting for it: what another process waits for.
void press(const Point& point);

/// Drops everything that is queued in a context.
void drop(Context& context);

int liveStreams(const Context& context);

// Of the thread that executes:

/// The context whose operation is being executed.
Context& executing();

/// Makes an error the context's for good; its reason is in the log, or comes with it.
void fail(CUresult error);
void fail(CUresult error, const char* kind, const std::string& message);

/// Whether the calling thread is inside a host function.
bool insideHostFunction();

}
}
