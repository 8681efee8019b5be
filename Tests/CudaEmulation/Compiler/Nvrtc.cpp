#include "Compile.h"
#include "../Driver/CudaTypes.h"
#include "../Streams/Engine.h"
#include <cstring>
#include <string>
#include <vector>

// NVRTC's functions. A "cubin" is a shared object that g++ compiled; what the program says of options and errors goes to its log.

using nvrtcResult = int;

enum : nvrtcResult {
    NVRTC_SUCCESS = 0,
    NVRTC_ERROR_OUT_OF_MEMORY = 1,
    NVRTC_ERROR_PROGRAM_CREATION_FAILURE = 2,
    NVRTC_ERROR_INVALID_INPUT = 3,
    NVRTC_ERROR_INVALID_PROGRAM = 4,
    NVRTC_ERROR_INVALID_OPTION = 5,
    NVRTC_ERROR_COMPILATION = 6,
};

namespace {

struct Program {
    std::string source, name, log, cubin;
};

bool startsWith(const std::string& text, const char* beginning) { return text.rfind(beginning, 0) == 0; }

/// Takes an option of NVRTC's over where it means something here; false: NVRTC does not know it.
bool accept(const std::string& option, emulation::compiler::Options& options, bool& valueFollows) {
    static const char* const exact[] = {"-default-device", "--device-as-default-execution-space", "-lineinfo", "--generate-line-info", "-w",
        "--disable-warnings", "-G", "--device-debug", "--restrict", "-restrict", "--extra-device-vectorization", "-extra-device-vectorization",
        "--use_fast_math", "-use_fast_math", "--minimal", "-minimal", "--relocatable-device-code=false", "-rdc=false", "--ftz=true",
        "--ftz=false", "-ftz=true", "-ftz=false", "--prec-div=true", "--prec-div=false", "-prec-div=true", "-prec-div=false", "--prec-sqrt=true",
        "--prec-sqrt=false", "-prec-sqrt=true", "-prec-sqrt=false", "--no-source-include", "-no-source-include", "--display-error-number", "-err-no",
        "--no-display-error-number", "--builtin-move-forward=true", "--builtin-initializer-list=true", "--std=c++11", "--std=c++14", "--std=c++17",
        "--std=c++20", "-std=c++11", "-std=c++14", "-std=c++17", "-std=c++20", "--fmad=true", "-fmad=true"};
    static const char* const beginnings[] = {"--maxrregcount=", "-maxrregcount=", "--ptxas-options=", "-Xptxas=", "--dopt=", "-dopt=", "--diag-suppress=",
        "-diag-suppress=", "--diag-warn=", "--diag-error=", "--include-path=", "-I", "--split-compile=", "--Ofast-compile="};
    if (option == "--fmad=false" || option == "-fmad=false") {
        options.contract = false;
        return true;
    }
    for (const char* architecture : {"--gpu-architecture=", "-arch="}) {
        if (startsWith(option, architecture)) {
            options.architecture = option.substr(std::strlen(architecture));
            const bool real = startsWith(options.architecture, "sm_"), isVirtual = startsWith(options.architecture, "compute_");
            return (real || isVirtual) && std::atoi(options.architecture.c_str() + (real ? 3 : 8)) >= 75;
        }
    }
    for (const char* definition : {"--define-macro=", "-D"}) {
        if (startsWith(option, definition) && option.size() > std::strlen(definition)) {
            options.definitions.push_back(option.substr(std::strlen(definition)));
            return true;
        }
    }
    if (option == "-arch" || option == "--gpu-architecture" || option == "-Xptxas" || option == "-D" || option == "--define-macro") {
        valueFollows = true;
        return true;
    }
    for (const char* known : exact) {
        if (option == known) {
            return true;
        }
    }
    for (const char* known : beginnings) {
        if (startsWith(option, known) && option.size() > std::strlen(known)) {
            return true;
        }
    }
    return false;
}

}

EXPORT nvrtcResult nvrtcVersion(int* major, int* minor) {
    if (major == nullptr || minor == nullptr) {
        return NVRTC_ERROR_INVALID_INPUT;
    }
    *major = 13;
    *minor = 0;
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcCreateProgram(
    Program** program, const char* source, const char* name, int headerCount, const char* const* headers, const char* const* includeNames) {
    if (program == nullptr || source == nullptr || headerCount < 0 || (headerCount > 0 && (headers == nullptr || includeNames == nullptr))) {
        return NVRTC_ERROR_INVALID_INPUT;
    }
    *program = new Program{source, name == nullptr ? "default_program" : name, {}, {}};
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcCompileProgram(Program* program, int count, const char* const* given) {
    if (program == nullptr) {
        return NVRTC_ERROR_INVALID_PROGRAM;
    }
    emulation::compiler::Options options;
    program->log.clear();
    program->cubin.clear();
    for (int i = 0; i < count; ++i) {
        std::string option = given[i];
        bool valueFollows = false;
        bool known = accept(option, options, valueFollows);
        if (known && valueFollows) {
            known = ++i < count && accept(option + (option == "-D" ? "" : "=") + given[i], options, valueFollows);
        }
        if (!known) {
            program->log = "nvrtc: error: unrecognized option " + option + " found\n";
            return NVRTC_ERROR_INVALID_OPTION;
        }
    }
    return emulation::compiler::compile(program->source, program->name, options, program->cubin, program->log) ? NVRTC_SUCCESS : NVRTC_ERROR_COMPILATION;
}

EXPORT nvrtcResult nvrtcDestroyProgram(Program** program) {
    if (program == nullptr || *program == nullptr) {
        return NVRTC_ERROR_INVALID_PROGRAM;
    }
    delete *program;
    *program = nullptr;
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcGetCUBINSize(Program* program, size_t* size) {
    if (program == nullptr) {
        return NVRTC_ERROR_INVALID_PROGRAM;
    }
    *size = program->cubin.size();
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcGetCUBIN(Program* program, char* cubin) {
    if (program == nullptr) {
        return NVRTC_ERROR_INVALID_PROGRAM;
    }
    if (program->cubin.empty()) {
        return NVRTC_ERROR_INVALID_INPUT;
    }
    std::memcpy(cubin, program->cubin.data(), program->cubin.size());
    return NVRTC_SUCCESS;
}

/// With the zero behind it, as NVRTC counts.
EXPORT nvrtcResult nvrtcGetProgramLogSize(Program* program, size_t* size) {
    if (program == nullptr) {
        return NVRTC_ERROR_INVALID_PROGRAM;
    }
    *size = program->log.size() + 1;
    return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcGetProgramLog(Program* program, char* log) {
    if (program == nullptr) {
        return NVRTC_ERROR_INVALID_PROGRAM;
    }
    std::memcpy(log, program->log.c_str(), program->log.size() + 1);
    return NVRTC_SUCCESS;
}

EXPORT const char* nvrtcGetErrorString(nvrtcResult result) {
    static const char* const names[] = {"NVRTC_SUCCESS", "NVRTC_ERROR_OUT_OF_MEMORY", "NVRTC_ERROR_PROGRAM_CREATION_FAILURE",
        "NVRTC_ERROR_INVALID_INPUT", "NVRTC_ERROR_INVALID_PROGRAM", "NVRTC_ERROR_INVALID_OPTION", "NVRTC_ERROR_COMPILATION"};
    return result >= 0 && result < static_cast<int>(std::size(names)) ? names[result] : "NVRTC_ERROR unknown";
}
