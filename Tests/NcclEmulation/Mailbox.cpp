#include "Mailbox.h"
#include "../CudaEmulation/Faults/Faults.h"
#include "../CudaEmulation/Memory/Arena.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace emulation::nccl::mailbox {

namespace {

namespace files = std::filesystem;

/// A letter: where it comes from or goes to in memory, and its file.
struct Letter {
    files::path path;
    CUdeviceptr memory = 0;
    size_t bytes = 0;
};

/// What a launch sends and gets.
struct Post {
    Communicator* communicator = nullptr;
    std::vector<Letter> sent, received;
    struct Sum {
        Call call;
        std::vector<Letter> parts;  // by rank
    };
    std::vector<Sum> sums;
};

files::path folderOf(const std::string& id) {
    const char* chosen = std::getenv("MOE_EMULATION_SHARED");
    std::string name = "moe-nccl-";
    for (size_t i = 0; i < 16; ++i) {
        name += text("%02x", static_cast<unsigned char>(id[i]));
    }
    return files::path(chosen != nullptr && *chosen != 0 ? chosen : "/dev/shm") / name;
}

files::path fileOf(const std::string& id, int rank) { return folderOf(id) / text("rank-%d", rank); }

bool isThere(const files::path& path) {
    std::error_code ignored;
    return files::exists(path, ignored);
}

void* at(CUdeviceptr address) { return reinterpret_cast<void*>(address); }

bool allowed(const Letter& letter, Communicator& communicator) {
    const std::string refused = letter.bytes == 0 ? "" : arena::refusal(letter.memory, letter.bytes, communicator.context->device);
    if (!refused.empty()) {
        report("address", "NCCL, " + refused);
        communicator.context->error = CUDA_ERROR_ILLEGAL_ADDRESS;
    }
    return refused.empty();
}

void send(const Letter& letter, Communicator& communicator) {
    if (!allowed(letter, communicator)) {
        return;
    }
    const files::path writing = letter.path.string() + ".part";
    std::ofstream(writing, std::ios::binary).write(static_cast<const char*>(at(letter.memory)), static_cast<std::streamsize>(letter.bytes));
    std::error_code ignored;
    files::rename(writing, letter.path, ignored);
}

std::vector<char> take(const Letter& letter) {
    std::vector<char> content(letter.bytes);
    std::error_code ignored;
    if (const auto size = files::file_size(letter.path, ignored); size != letter.bytes) {
        report("nccl", text("%s brings %zu bytes, and %zu are expected", letter.path.c_str(), static_cast<size_t>(size), letter.bytes));
    }
    std::ifstream(letter.path, std::ios::binary).read(content.data(), static_cast<std::streamsize>(letter.bytes));
    files::remove(letter.path, ignored);
    return content;
}

/// The calls as letters: a collective is one from everybody who gives to everybody who takes.
Post write(Communicator& here, const std::vector<Call>& calls) {
    Post post;
    post.communicator = &here;
    const files::path folder = folderOf(here.clique->id);
    const int ranks = here.clique->ranks;
    const auto letter = [&](const char* kind, int from, int to, uint64_t number, CUdeviceptr memory, size_t bytes) {
        return Letter{folder / text("%s-%d-%d-%zu", kind, from, to, static_cast<size_t>(number)), memory, bytes};
    };
    for (const Call& call : calls) {
        const auto peer = static_cast<size_t>(call.peer);
        if (call.kind == Kind::Send) {
            post.sent.push_back(letter("p", here.rank, call.peer, here.sends[peer]++, call.from, call.bytes()));
            continue;
        }
        if (call.kind == Kind::Receive) {
            post.received.push_back(letter("p", call.peer, here.rank, here.receives[peer]++, call.to, call.bytes()));
            continue;
        }
        const uint64_t number = here.sequence++;
        const char* const kind = call.kind == Kind::AllGather ? "gather" : call.kind == Kind::Broadcast ? "broadcast" : "sum";
        const bool isSum = call.kind == Kind::AllReduce || call.kind == Kind::ReduceScatter;
        const size_t bytes = call.kind == Kind::ReduceScatter ? call.bytes() * static_cast<size_t>(ranks) : call.bytes();
        Post::Sum sum{call, {}};
        for (int other = 0; other < ranks; ++other) {
            if (call.kind != Kind::Broadcast || call.peer == here.rank) {
                post.sent.push_back(letter(kind, here.rank, other, number, call.from, bytes));
            }
            if (call.kind == Kind::AllGather) {
                post.received.push_back(letter(kind, other, here.rank, number, call.to + static_cast<size_t>(other) * bytes, bytes));
            } else if (isSum) {
                sum.parts.push_back(letter(kind, other, here.rank, number, 0, bytes));
            }
        }
        if (call.kind == Kind::Broadcast) {
            post.received.push_back(letter(kind, call.peer, here.rank, number, call.to, bytes));
        }
        if (isSum) {
            post.sums.push_back(std::move(sum));
        }
    }
    return post;
}

/// From the last rank to the first: who wants bits must not rely on an order.
void add(const Post::Sum& sum, Communicator& communicator) {
    std::vector<float> total;
    for (auto part = sum.parts.rbegin(); part != sum.parts.rend(); ++part) {
        const std::vector<char> content = take(*part);
        total.resize(content.size() / sizeof(float));
        for (size_t i = 0; i < total.size(); ++i) {
            float value;
            std::memcpy(&value, content.data() + i * sizeof value, sizeof value);
            total[i] += value;
        }
    }
    const size_t first = sum.call.kind == Kind::ReduceScatter ? static_cast<size_t>(communicator.rank) * sum.call.count : 0;
    if (allowed({{}, sum.call.to, sum.call.bytes()}, communicator)) {
        std::memcpy(at(sum.call.to), total.data() + first, sum.call.bytes());
    }
}

bool allThere(const Post& post) {
    const auto there = [](const Letter& letter) { return isThere(letter.path); };
    return std::all_of(post.received.begin(), post.received.end(), there)
        && std::all_of(post.sums.begin(), post.sums.end(), [&](const Post::Sum& sum) { return std::all_of(sum.parts.begin(), sum.parts.end(), there); });
}

bool allTaken(const Post& post) {
    return std::none_of(post.sent.begin(), post.sent.end(), [](const Letter& letter) { return isThere(letter.path); });
}

}

void open(const std::string& id) { files::create_directories(folderOf(id)); }

bool isOpen(const std::string& id) { return isThere(folderOf(id)); }

void join(const std::string& id, int rank) { std::ofstream(fileOf(id, rank)) << rank; }

bool hasJoined(const std::string& id, int rank) { return isThere(fileOf(id, rank)); }

void leave(const std::string& id, int rank) {
    std::error_code ignored;
    files::remove(fileOf(id, rank), ignored);
    files::remove(folderOf(id), ignored);
}

void launch(Communicator& communicator, const std::vector<Call>& calls, Stream& stream, std::function<Obstacle()> delay) {
    auto post = std::make_shared<Post>(write(communicator, calls));
    const auto until = [post](bool (*met)(const Post&)) {
        return [post, met]() -> Obstacle { return {!post->communicator->aborted && !met(*post), {}}; };
    };
    engine::enqueue(stream, {"nccl arrival", [post] {
        engine::Guard guard;
        for (size_t i = 0; i < post->sent.size() && !post->communicator->aborted; ++i) {
            send(post->sent[i], *post->communicator);
        }
    }, {}, false, std::move(delay)});
    engine::enqueue(stream, {"nccl", [post] {
        engine::Guard guard;
        if (post->communicator->aborted) {
            return;
        }
        for (const Letter& letter : post->received) {
            const std::vector<char> content = take(letter);
            if (allowed(letter, *post->communicator)) {
                std::memcpy(at(letter.memory), content.data(), content.size());
            }
        }
        for (const Post::Sum& sum : post->sums) {
            add(sum, *post->communicator);
        }
    }, {}, false, until(allThere)});
    communicator.last = engine::enqueue(stream, {"nccl departure", [] {}, {}, false, until(allTaken)});
    engine::press(communicator.last);
}

}
