using MoEActors.Modules.Parameters;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;

namespace MoEActors.Tests.Modules;

/// <summary>Gradients that begin at zero without zeros being written.</summary>
public sealed class ParameterGradientTests : IDisposable
{
    private readonly CpuDevice _device = new();
    private readonly ParameterBlock _block;
    private readonly Parameter _first;
    private readonly Parameter _second;

    public ParameterGradientTests()
    {
        _block = new ParameterBlock(_device, "", [ParameterShape.Weight("a", 3, 5, 1f), ParameterShape.Weight("b", 2, 2, 1f)]);
        (_first, _second) = (_block["a"], _block["b"]);
        _block.Gradients.AsSpan().Fill(7f);
        _block.BeginGradients();
    }

    public void Dispose()
    {
        _block.Dispose();
        _device.Dispose();
    }

    [Fact]
    public void The_first_writer_stores_and_later_ones_add()
    {
        Matrix gradient = _first.GradientToWrite(out Accumulation first);
        gradient.Data.AsSpan().Fill(2f);
        _first.GradientToWrite(out Accumulation second);

        Assert.Equal((Accumulation.Store, Accumulation.Add), (first, second));
        Assert.All(_first.GradientVector.AsSpan().ToArray(), value => Assert.Equal(2f, value));
    }

    [Fact]
    public void What_nobody_wrote_is_zero_to_whoever_looks()
    {
        _first.GradientToWrite(out _).Data.AsSpan().Fill(2f);

        Assert.All(_block.Gradients.Slice(_second.Offset, 4).AsSpan().ToArray(), value => Assert.Equal(0f, value));
        Assert.All(_first.GradientVector.AsSpan().ToArray(), value => Assert.Equal(2f, value));
        _second.GradientToWrite(out Accumulation accumulation);
        Assert.Equal(Accumulation.Add, accumulation);
    }

    [Fact]
    public void An_operation_that_can_only_add_finds_zeros()
    {
        Assert.All(_second.GradientVector.AsSpan().ToArray(), value => Assert.Equal(0f, value));
        _second.GradientToWrite(out Accumulation accumulation);
        Assert.Equal(Accumulation.Add, accumulation);
    }

    [Fact]
    public void Cleared_gradients_are_no_longer_to_be_begun()
    {
        _block.ClearGradients();
        _first.GradientToWrite(out Accumulation accumulation);

        Assert.Equal(Accumulation.Add, accumulation);
        Assert.All(_block.Gradients.AsSpan().ToArray(), value => Assert.Equal(0f, value));
    }
}
