using MoEActors.Modules.Gates;
using MoEActors.Native.Cuda;
using MoEActors.Native.Cuda.Hardware;
using MoEActors.Tests.CudaEmulation;

namespace MoEActors.Tests.Modules;

/// <summary>Loss and gradients of the whole decoder on a GPU against its definition in double precision.</summary>
[Collection(CudaCollection.Name)]
public sealed class GpuGradientTests
{
    public static TheoryData<string, int, GateScores, bool, float, int, int> Cases => DecoderGradientTests.Cases;

    [Theory, MemberData(nameof(Cases))]
    public void Gradients_are_those_of_the_definition(
        string expert, int topK, GateScores scores, bool renormalise, float capacity, int heads, int keyValueHeads)
    {
        using var watch = new CudaWatch();
        using var device = new CudaDevice(CudaGpu.Get(0));
        DecoderGradientTests.Check(device, expert, topK, scores, renormalise, capacity, heads, keyValueHeads);
    }

    [Fact]
    public void A_token_sees_its_own_document_alone()
    {
        using var watch = new CudaWatch();
        using var device = new CudaDevice(CudaGpu.Get(0));
        DecoderGradientTests.Check(device, "swiglu", 2, GateScores.Softmax, renormalise: true, capacity: 0f, heads: 3, keyValueHeads: 3, "between documents");
    }
}
