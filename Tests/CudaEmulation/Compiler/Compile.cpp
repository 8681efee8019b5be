#include "Compile.h"
#include "Image.h"
#include "../Faults/Faults.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

namespace emulation::compiler {

namespace {

namespace fs = std::filesystem;

/// This library's file: the kernel prelude lies beside it, and kernels are linked with it.
fs::path ownFile() {
    Dl_info info;
    dladdr(reinterpret_cast<void*>(&ownFile), &info);
    return fs::canonical(info.dli_fname);
}

std::string read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
}

uint64_t hashOf(const std::string& bytes) {
    uint64_t hash = 14695981039346656037u;
    for (unsigned char byte : bytes) {
        hash = (hash ^ byte) * 1099511628211u;
    }
    return hash;
}

/// A descriptor for each kernel that the text defines, found by the words that every kernel begins with when macros have been expanded.
std::string descriptors(const std::string& source) {
    static const std::regex start(R"(__global__\s+(?:static\s+)?(?:void)?\s*)");
    static const std::regex name(R"(^\s*(?:void\s+)?(\w+)\s*\()");
    std::string found;
    for (auto at = std::sregex_iterator(source.begin(), source.end(), start); at != std::sregex_iterator(); ++at) {
        std::string rest = source.substr(static_cast<size_t>(at->position() + at->length()), 400);
        std::string threads = "1024";
        if (rest.rfind("__launch_bounds__", 0) == 0) {
            const size_t open = rest.find('(');
            size_t close = open;
            for (int depth = 0; close < rest.size(); ++close) {
                depth += rest[close] == '(' ? 1 : rest[close] == ')' ? -1 : 0;
                if (depth == 0) {
                    break;
                }
            }
            threads = rest.substr(open + 1, close - open - 1);
            threads = threads.substr(0, threads.find(','));
            rest = rest.substr(close + 1);
        }
        std::smatch match;
        if (std::regex_search(rest, match, name)) {
            found += "MOE_KERNEL(" + match[1].str() + ", (" + threads + "))\n";
        }
    }
    return found;
}

/// The text as g++ takes it: everything has internal linkage, so that shared variables of inline functions are ordinary ones,
/// and dynamic shared memory is a symbol of the prelude's.
std::string translated(const std::string& source, const std::string& name) {
    static const std::regex dynamic(R"(extern\s+__shared__\s+([^;\[]*)\[\s*\]\s*;)");
    const std::string text = std::regex_replace(source, dynamic, "extern $1[] __asm__(\"moe_dynamic_shared\");");
    return "#include \"KernelPrelude.h\"\nnamespace {\n#line 1 \"" + name + "\"\n" + text + "\n}\n";
}

int runAndRead(const std::string& command, std::string& output) {
    FILE* pipe = popen((command + " 2>&1").c_str(), "r");
    if (pipe == nullptr) {
        return -1;
    }
    char buffer[4096];
    while (const size_t count = fread(buffer, 1, sizeof buffer, pipe)) {
        output.append(buffer, count);
    }
    const int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string quoted(const std::string& argument) { return "'" + std::regex_replace(argument, std::regex("'"), "'\\''") + "'"; }

std::string definitionsOf(const Options& options) {
    std::string flags;
    for (const std::string& definition : options.definitions) {
        flags += "-D" + quoted(definition) + " ";
    }
    return flags;
}

std::string flagsOf(const Options& options) {
    // Loops stay as they are written: one access of one thread at a time is what is checked.
    std::string flags = "-std=c++20 -O2 -g1 -march=native -fPIC -shared -fvisibility=hidden -fno-exceptions -fno-rtti -fno-plt -fno-strict-aliasing"
                        " -fno-tree-vectorize -fno-tree-loop-distribute-patterns -fno-math-errno -fno-trapping-math -fno-threadsafe-statics"
                        " -fsanitize=thread,alignment,bounds,integer-divide-by-zero --param tsan-instrument-func-entry-exit=0"
                        " -Wno-attributes -Wno-unused -nostdinc -nostdlib -lm -lgcc";
    flags += options.contract ? " -ffp-contract=fast" : " -ffp-contract=off";
    return flags + " " + definitionsOf(options);
}

}

bool compile(const std::string& source, const std::string& name, const Options& options, std::string& image, std::string& log) {
    const fs::path library = ownFile(), folder = library.parent_path();
    const std::string text = translated(source, name), flags = flagsOf(options);
    // What was compiled once is kept beside the library.
    const fs::path kept = folder / "kernels";
    fs::create_directories(kept);
    const std::string key = emulation::text("%016zx", static_cast<size_t>(hashOf(text + flags)));
    const fs::path object = kept / (key + ".so");
    if (!fs::exists(object)) {
        const std::string own = key + "." + std::to_string(getpid()) + "." + std::to_string(reinterpret_cast<uintptr_t>(&image));
        const fs::path input = kept / (own + ".cpp"), output = kept / (own + ".so");
        const char* chosen = std::getenv("MOE_EMULATION_CXX");
        const std::string compiler = chosen == nullptr ? "g++" : chosen;
        std::ofstream(input) << source;
        std::string expanded;
        runAndRead(compiler + " -E -P -x c++ " + definitionsOf(options) + quoted(input.string()), expanded);
        std::ofstream(input) << text << descriptors(expanded);
        const std::string command = compiler + " -I" + quoted(folder.string()) + " -x c++ " + quoted(input.string()) + " -x none "
            + quoted(library.string()) + " -Wl,-rpath," + quoted(folder.string()) + " " + flags + " -o " + quoted(output.string());
        const int status = runAndRead(command, log);
        fs::remove(input);
        if (status != 0) {
            fs::remove(output);
            log += log.empty() ? "g++ could not be run\n" : "";
            return false;
        }
        fs::rename(output, object);
    }
    if (options.architecture.rfind("sm_", 0) != 0) {
        return true;
    }
    const std::string bytes = read(object);
    image::Header header;
    std::memcpy(header.magic, image::Magic, sizeof header.magic);
    header.capability = std::strtoull(options.architecture.c_str() + 3, nullptr, 10);
    header.length = bytes.size();
    image.assign(reinterpret_cast<const char*>(&header), sizeof header);
    image += bytes;
    return true;
}

}
