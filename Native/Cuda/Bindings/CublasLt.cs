using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MoEActors.Native.Cuda.Bindings;

/// <summary>The functions of cuBLASLt, the library of matrix products, that this project calls. Matrices are column-major there.</summary>
internal static unsafe partial class CublasLt
{
    /// <summary>Name under which <see cref="CudaLibraries"/> finds the library.</summary>
    public const string Library = "cublasLt";

    [LibraryImport(Library, EntryPoint = "cublasLtCreate")]
    public static partial CublasStatus Create(out nint handle);

    [LibraryImport(Library, EntryPoint = "cublasLtDestroy")]
    public static partial CublasStatus Destroy(nint handle);

    [LibraryImport(Library, EntryPoint = "cublasLtGetVersion")]
    public static partial nuint GetVersion();

    [LibraryImport(Library, EntryPoint = "cublasLtGetStatusName")]
    public static partial nint GetStatusName(CublasStatus status);

    [LibraryImport(Library, EntryPoint = "cublasLtMatmulDescCreate")]
    public static partial CublasStatus MatmulDescCreate(out nint description, CublasCompute compute, CudaDataType scale);

    [LibraryImport(Library, EntryPoint = "cublasLtMatmulDescDestroy")]
    public static partial CublasStatus MatmulDescDestroy(nint description);

    [LibraryImport(Library, EntryPoint = "cublasLtMatmulDescSetAttribute")]
    public static partial CublasStatus MatmulDescSetAttribute(nint description, MatmulDescAttribute attribute, void* value, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cublasLtMatrixLayoutCreate")]
    public static partial CublasStatus MatrixLayoutCreate(out nint layout, CudaDataType type, ulong rows, ulong columns, long leadingDimension);

    [LibraryImport(Library, EntryPoint = "cublasLtMatrixLayoutDestroy")]
    public static partial CublasStatus MatrixLayoutDestroy(nint layout);

    [LibraryImport(Library, EntryPoint = "cublasLtMatrixLayoutSetAttribute")]
    public static partial CublasStatus MatrixLayoutSetAttribute(nint layout, MatrixLayoutAttribute attribute, void* value, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cublasLtMatmulPreferenceCreate")]
    public static partial CublasStatus MatmulPreferenceCreate(out nint preference);

    [LibraryImport(Library, EntryPoint = "cublasLtMatmulPreferenceDestroy")]
    public static partial CublasStatus MatmulPreferenceDestroy(nint preference);

    [LibraryImport(Library, EntryPoint = "cublasLtMatmulPreferenceSetAttribute")]
    public static partial CublasStatus MatmulPreferenceSetAttribute(nint preference, MatmulPreferenceAttribute attribute, void* value, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cublasLtMatmulAlgoGetHeuristic")]
    public static partial CublasStatus MatmulAlgoGetHeuristic(
        nint handle, nint operation, nint a, nint b, nint c, nint d, nint preference, int requested, MatmulHeuristicResult* results, out int returned);

    [LibraryImport(Library, EntryPoint = "cublasLtMatmulAlgoConfigGetAttribute")]
    public static partial CublasStatus MatmulAlgoConfigGetAttribute(
        in MatmulAlgorithm algorithm, AlgorithmAttribute attribute, void* value, nuint bytes, out nuint written);

    [LibraryImport(Library, EntryPoint = "cublasLtMatmul")]
    public static partial CublasStatus Matmul(
        nint handle, nint operation, void* alpha, nint a, nint layoutA, nint b, nint layoutB, void* beta, nint c, nint layoutC, nint d, nint layoutD,
        in MatmulAlgorithm algorithm, nint workspace, nuint workspaceBytes, nint stream);
}

/// <summary><c>cublasStatus_t</c>: the statuses that this project tells apart.</summary>
internal enum CublasStatus
{
    Success = 0,
    NotSupported = 15,
}

/// <summary><c>cudaDataType</c>.</summary>
internal enum CudaDataType
{
    F32 = 0,
    BF16 = 14,
}

/// <summary><c>cublasComputeType_t</c>.</summary>
internal enum CublasCompute
{
    F32 = 68,
    F32ByTF32 = 77,
}

/// <summary><c>cublasLtMatmulDescAttributes_t</c>.</summary>
internal enum MatmulDescAttribute
{
    TransposeA = 3,
    TransposeB = 4,
}

/// <summary><c>cublasLtMatrixLayoutAttribute_t</c>.</summary>
internal enum MatrixLayoutAttribute
{
    BatchCount = 5,
    StridedBatchOffset = 6,
}

/// <summary><c>cublasLtMatmulPreferenceAttributes_t</c>.</summary>
internal enum MatmulPreferenceAttribute
{
    MaxWorkspaceBytes = 1,
    ReductionSchemeMask = 3,
    MinAlignmentA = 5,
    MinAlignmentB = 6,
    MinAlignmentC = 7,
    MinAlignmentD = 8,
}

/// <summary><c>cublasLtMatmulAlgoConfigAttributes_t</c>.</summary>
internal enum AlgorithmAttribute
{
    Id = 0,
    Tile = 1,
    SplitK = 2,
    ReductionScheme = 3,
}

/// <summary><c>cublasLtMatmulAlgo_t</c>: 64 bytes that only the library reads.</summary>
[InlineArray(8)]
internal struct MatmulAlgorithm
{
    private ulong _first;
}

/// <summary><c>cublasLtMatmulHeuristicResult_t</c>: 96 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MatmulHeuristicResult
{
    /// <summary>The algorithm.</summary>
    public MatmulAlgorithm Algorithm;

    /// <summary>Workspace that it needs.</summary>
    public nuint WorkspaceBytes;

    /// <summary>Whether it can be used.</summary>
    public CublasStatus State;

    /// <summary>How full the last wave of blocks is.</summary>
    public float WavesCount;

    private int _reserved0, _reserved1, _reserved2, _reserved3;
}
