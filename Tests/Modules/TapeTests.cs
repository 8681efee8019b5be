using MoEActors.Modules.Autograd;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;

namespace MoEActors.Tests.Modules;

/// <summary>The rules of the tape.</summary>
public sealed class TapeTests : IDisposable
{
    private readonly CpuDevice _device = new();
    private readonly Arena _arena;
    private readonly Tape _tape;

    public TapeTests()
    {
        _arena = new Arena(_device, 1 << 16);
        _tape = new Tape(_device, _arena);
    }

    public void Dispose()
    {
        _arena.Dispose();
        _device.Dispose();
    }

    [Fact]
    public void The_first_writer_of_a_gradient_stores_and_later_ones_add()
    {
        Tensor x = _tape.Create(2, 3);
        _tape.GradientToWrite(x, out Accumulation first);
        Matrix again = _tape.GradientToWrite(x, out Accumulation second);

        Assert.Equal((Accumulation.Store, Accumulation.Add), (first, second));
        Assert.Equal(again, _tape.Gradient(x));
    }

    [Fact]
    public void Points_of_a_residual_stream_share_one_gradient_and_no_value()
    {
        Tensor x = _tape.Create(1, 2);
        x.Value.Data.AsSpan().Fill(3f);
        Tensor y = _tape.Continue(x);
        y.Value.Data.AsSpan().Fill(5f);
        Matrix seed = _tape.NewMatrix(1, 2);
        _tape.Seed(y, seed);

        Assert.Equal(3f, x.Value.Data.AsSpan()[0]);
        Assert.Equal(seed, _tape.Gradient(x));
        Assert.Equal(seed, _tape.GradientToWrite(x, out Accumulation accumulation));
        Assert.Equal(Accumulation.Add, accumulation);
    }

    [Fact]
    public void A_gradient_that_nothing_wrote_cannot_be_read()
    {
        Tensor x = _tape.Create(2, 3);
        InvalidOperationException refused = Assert.Throws<InvalidOperationException>(() => _tape.Gradient(x));
        Assert.Contains("[2, 3]", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, _tape.Gradient(_tape.Create(0, 3)).Rows);
    }

    [Fact]
    public void The_record_is_played_backwards_once()
    {
        List<int> played = [];
        for (int i = 0; i < 3; i++)
        {
            Node node = _tape.Record<Node>()!;
            node.Number = i;
            node.Played = played;
        }

        _tape.Backward();
        Assert.Equal([2, 1, 0], played);
        _tape.Reset();
        _tape.Backward();
        Assert.Equal(3, played.Count);
        _tape.Recording = false;
        Assert.Null(_tape.Record<Node>());
    }

    [Fact]
    public void A_warm_tape_allocates_nothing()
    {
        long before = 0;
        for (int round = 0; round < 3; round++)
        {
            before = GC.GetAllocatedBytesForCurrentThread();
            _tape.Reset();
            for (int i = 0; i < 200; i++)
            {
                Tensor x = _tape.Create(1, 4);
                _tape.GradientToWrite(x, out _);
                _tape.Record<Node>();
            }
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(0, _tape.Arena.BytesInUse % 64);
    }

    private sealed class Node : TapeNode
    {
        public int Number;
        public List<int>? Played;

        protected internal override void Backward(Tape tape) => Played?.Add(Number);
    }
}
