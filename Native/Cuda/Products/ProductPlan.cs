using System.Numerics;
using MoEActors.Native.Cuda.Bindings;
using MoEActors.Native.Cuda.Hardware;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cuda.Products;

/// <summary>What products must have in common to run by one algorithm: everything but the number of rows, and strides that leave alignments alike.</summary>
internal readonly record struct ProductKind
{
    /// <summary>The kind of a product.</summary>
    public ProductKind(in Matrix a, in Matrix b, in Matrix c, Accumulation accumulation, CublasCompute compute, int largestAlignment)
    {
        // In a product with weights the rows of A and C are tokens; in a weight gradient, whose A is a transposed view, tokens are summed over.
        RowsVary = !a.IsTransposed;
        Rows = RowsVary ? 0 : a.Rows;
        Columns = b.Columns;
        Depth = RowsVary ? a.Columns : 0;
        IsTransposedA = a.IsTransposed;
        IsTransposedB = b.IsTransposed;
        Accumulation = accumulation;
        Compute = compute;
        Operands = a.Element;
        Result = c.Element;
        AlignmentA = Alignment(a, largestAlignment);
        AlignmentB = Alignment(b, largestAlignment);
        AlignmentC = Alignment(c, largestAlignment);
    }

    /// <summary>Whether the rows of the result are tokens, whose number varies from step to step.</summary>
    public bool RowsVary { get; }

    /// <summary>Rows of the result; 0 where they vary.</summary>
    public int Rows { get; }

    /// <summary>Columns of the result.</summary>
    public int Columns { get; }

    /// <summary>Terms of a sum; 0 where they vary.</summary>
    public int Depth { get; }

    /// <summary>Whether A is a transposed view.</summary>
    public bool IsTransposedA { get; }

    /// <summary>Whether B is a transposed view.</summary>
    public bool IsTransposedB { get; }

    /// <summary>Whether C is added to.</summary>
    public Accumulation Accumulation { get; }

    /// <summary>How operands are multiplied and added.</summary>
    public CublasCompute Compute { get; }

    /// <summary>What A and B are made of.</summary>
    public ElementType Operands { get; }

    /// <summary>What C is made of.</summary>
    public ElementType Result { get; }

    /// <summary>Bytes that the first and every later stored row of A is aligned to.</summary>
    public int AlignmentA { get; }

    /// <summary>Bytes that rows of B are aligned to.</summary>
    public int AlignmentB { get; }

    /// <summary>Bytes that rows of C are aligned to.</summary>
    public int AlignmentC { get; }

    private static int Alignment(in Matrix matrix, int largest)
    {
        long bits = matrix.Address | (long)matrix.Stride * matrix.Element.Bytes() | (long)largest;
        return 1 << BitOperations.TrailingZeroCount(bits);
    }
}

/// <summary>How products of a kind are computed.</summary>
internal sealed unsafe class ProductPlan : IDisposable
{
    private readonly CudaGpu _gpu;
    private readonly ProductKind _kind;
    private MatmulAlgorithm _algorithm;

    public ProductPlan(CudaGpu gpu, in ProductKind kind)
    {
        _gpu = gpu;
        _kind = kind;
        CudaStatus.Check(
            CublasLt.MatmulDescCreate(out nint operation, kind.Compute, CudaDataType.F32), "describing a product", gpu.Ordinal);
        Operation = operation;

        // The library's A is our B, and the other way round; a row-major matrix is its column-major transpose, so that "transposed" means the same for both.
        Set(MatmulDescAttribute.TransposeA, kind.IsTransposedB ? 1 : 0);
        Set(MatmulDescAttribute.TransposeB, kind.IsTransposedA ? 1 : 0);
    }

    /// <summary>The library's description of the operation.</summary>
    public nint Operation { get; }

    /// <summary>The algorithm chosen.</summary>
    public ref readonly MatmulAlgorithm Algorithm => ref _algorithm;

    /// <summary>Whether one has been chosen.</summary>
    public bool HasAlgorithm { get; private set; }

    /// <summary>Chooses the algorithm that the library's heuristics rank first, among those that do not split a sum.</summary>
    /// <exception cref="CudaException">There is none.</exception>
    public void Choose(nint handle, nint a, nint b, nint c, int workspaceBytes, string what)
    {
        CudaStatus.Check(CublasLt.MatmulPreferenceCreate(out nint preference), "looking for an algorithm", _gpu.Ordinal);
        try
        {
            ulong workspace = (ulong)workspaceBytes;
            Prefer(preference, MatmulPreferenceAttribute.MaxWorkspaceBytes, &workspace, sizeof(ulong));
            uint noSplit = 0;
            Prefer(preference, MatmulPreferenceAttribute.ReductionSchemeMask, &noSplit, sizeof(uint));
            uint alignmentA = (uint)_kind.AlignmentB, alignmentB = (uint)_kind.AlignmentA, alignmentC = (uint)_kind.AlignmentC;
            Prefer(preference, MatmulPreferenceAttribute.MinAlignmentA, &alignmentA, sizeof(uint));
            Prefer(preference, MatmulPreferenceAttribute.MinAlignmentB, &alignmentB, sizeof(uint));
            Prefer(preference, MatmulPreferenceAttribute.MinAlignmentC, &alignmentC, sizeof(uint));
            Prefer(preference, MatmulPreferenceAttribute.MinAlignmentD, &alignmentC, sizeof(uint));
            MatmulHeuristicResult result = default;
            CudaStatus.Check(
                CublasLt.MatmulAlgoGetHeuristic(handle, Operation, a, b, c, c, preference, 1, &result, out int found), $"looking for an algorithm for {what}", _gpu.Ordinal);
            CudaStatus.Check(found == 0 ? CublasStatus.NotSupported : result.State, $"looking for an algorithm for {what}", _gpu.Ordinal);
            _algorithm = result.Algorithm;
            HasAlgorithm = true;
        }
        finally
        {
            _ = CublasLt.MatmulPreferenceDestroy(preference);
        }
    }

    /// <summary>Chooses anew next time.</summary>
    public void Forget() => HasAlgorithm = false;

    public void Dispose() => _ = CublasLt.MatmulDescDestroy(Operation);

    private void Set(MatmulDescAttribute attribute, int value) =>
        CudaStatus.Check(CublasLt.MatmulDescSetAttribute(Operation, attribute, &value, sizeof(int)), "describing a product", _gpu.Ordinal);

    private void Prefer(nint preference, MatmulPreferenceAttribute attribute, void* value, int bytes) =>
        CudaStatus.Check(CublasLt.MatmulPreferenceSetAttribute(preference, attribute, value, (nuint)bytes), "looking for an algorithm", _gpu.Ordinal);
}
