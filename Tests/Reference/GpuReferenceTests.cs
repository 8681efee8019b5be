using System.Text.Json;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.InProcess;
using MoEActors.Native.Cpu;
using MoEActors.Native.Cuda;
using MoEActors.Native.Cuda.Hardware;
using MoEActors.Tests.CudaEmulation;

namespace MoEActors.Tests.Reference;

/// <summary>Layers and models on a GPU against the references in double precision: to 1e-4 in fp32, to 2e-2 with operands in bfloat16.</summary>
[Collection(CudaCollection.Name)]
public class GpuReferenceTests
{
    public static TheoryData<string, string, CudaPrecision> Layers => Cases(ReferenceFolder.IsLayer);

    public static TheoryData<string, string, CudaPrecision> Models => Cases(ReferenceFolder.IsModel);

    [Theory]
    [MemberData(nameof(Layers))]
    public void Layer_equals_the_reference(string file, string name, CudaPrecision precision) =>
        Check(file, name, precision, MoELayerReferenceTests.Check);

    [Theory]
    [MemberData(nameof(Models))]
    public void Model_equals_the_reference(string file, string name, CudaPrecision precision)
    {
        var replayed = new ReplayedGate();
        int rows = 0;
        Check(file, name, precision, (reference, communicator, device) =>
        {
            // The processor's choices are the reference's: it agrees with it to 1e-4.
            using var group = new InProcessCommunicatorGroup(1);
            using var cpu = new CpuDevice();
            LanguageModelReferenceTests.Check(reference, group.Open(0), cpu, replayed);
            LanguageModelReferenceTests.Check(reference, communicator, device, replayed);
            rows = 2 * reference.GetProperty("layers").GetInt32() * reference.GetProperty("tokens").GetProperty("data").GetArrayLength();
        });
        Assert.InRange(replayed.Flips, 0, precision == CudaPrecision.F32 ? 0 : rows / 20);
    }

    private static void Check(string file, string name, CudaPrecision precision, Action<JsonElement, ICommunicator, CudaDevice> check)
    {
        Assert.SkipWhen(file.Length == 0, "The reference folder has no case of this kind.");
        EmulatedCuda.Require();
        EmulatedCuda.ClearLog();
        using var device = new CudaDevice(CudaGpu.Get(0), precision);
        using var group = new InProcessCommunicatorGroup(1);
        using ICommunicator communicator = group.Open(0, device);
        check(ReferenceFolder.Case(file, name), communicator, device);
        Assert.Equal("", EmulatedCuda.Log);
    }

    private static TheoryData<string, string, CudaPrecision> Cases(Func<JsonElement, bool> belongs)
    {
        var data = new TheoryData<string, string, CudaPrecision>();
        foreach ((string file, JsonElement item) in ReferenceFolder.All().Where(entry => belongs(entry.Case)))
        {
            data.Add(file, item.GetProperty("name").GetString()!, CudaPrecision.F32);
            data.Add(file, item.GetProperty("name").GetString()!, CudaPrecision.BF16);
        }

        if (data.Count == 0)
        {
            data.Add("", "none of this kind", CudaPrecision.F32);
        }

        return data;
    }
}
