using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Gates;

/// <summary>Noise and jitter belong to training, and to a place in it.</summary>
public class RandomnessTests
{
    private static readonly GateOptions Noisy = new() { Noise = 5f, Jitter = 0.2f };

    [Fact]
    public void Evaluation_has_no_noise_and_no_jitter()
    {
        float[] Weights(GateCase gate)
        {
            using var run = new GateRun(gate, 1);
            return run.Forward(gate).Weights.AsSpan().ToArray();
        }

        float[] quiet = Weights(new GateCase(new GateOptions()));
        Assert.Equal(quiet, Weights(new GateCase(Noisy, Evaluation: true)));
        Assert.NotEqual(quiet, Weights(new GateCase(Noisy)));
    }

    [Fact]
    public void A_second_choice_is_drawn_with_the_probabilities_of_the_softmax()
    {
        // Four columns, the first chosen first: the others come in the ratio of their exponentials.
        const int Rows = 40_000;
        float[] logits = [3f, 0f, 0.5f, 1f];
        using var device = new CpuDevice();
        using DeviceBuffer memory = device.Allocate(sizeof(float) * 6L * Rows);
        Matrix rows = new(memory.As<float>().Slice(0, 4 * Rows), Rows, 4);
        DeviceSpan<int> choices = memory.As<int>().Slice(4 * Rows, 2 * Rows);
        device.Write<float>([.. Enumerable.Range(0, Rows).SelectMany(_ => logits)], rows.Data);
        device.TopK(rows, default, default, 2, choices);
        device.DrawSecond(rows, rows, key: 5, scale: 1f, k: 2, choices);
        int[] found = new int[2 * Rows];
        device.Read(choices, found);
        double total = logits[1..].Sum(logit => Math.Exp(logit));
        for (int expert = 1; expert < 4; expert++)
        {
            double share = found.Where((choice, i) => i % 2 == 1 && choice == expert).Count() / (double)Rows;
            Assert.Equal(Math.Exp(logits[expert]) / total, share, 0.01);
        }

        Assert.All(found.Where((_, i) => i % 2 == 0), first => Assert.Equal(0, first));
    }

    [Fact]
    public void A_model_in_evaluation_gives_the_same_numbers_with_and_without_noise()
    {
        using var quiet = new DecoderRun(DecoderRun.Small(new GateOptions()));
        using var noisy = new DecoderRun(DecoderRun.Small(Noisy));
        Assert.Equal(quiet.Model.Evaluate(quiet.Batch), noisy.Model.Evaluate(noisy.Batch));
        Assert.Equal(quiet.Train(new MicroBatchPlace(1, 0)), quiet.Train(new MicroBatchPlace(2, 0)));
        Assert.NotEqual(quiet.Train(new MicroBatchPlace(1, 0)), noisy.Train(new MicroBatchPlace(1, 0)));
    }

    [Fact]
    public void Noise_depends_on_seed_step_micro_batch_and_layer()
    {
        using var run = new DecoderRun(DecoderRun.Small(Noisy));
        MicroBatchLoss loss = run.Train(new MicroBatchPlace(3, 2));
        Assert.Equal(loss, run.Train(new MicroBatchPlace(3, 2)));
        Assert.NotEqual(loss, run.Train(new MicroBatchPlace(4, 2)));
        Assert.NotEqual(loss, run.Train(new MicroBatchPlace(3, 1)));

        ulong[] keys =
        [
            .. from seed in new ulong[] { 1, 2 }
               from step in new[] { 1L, 2L, 3L }
               from index in new[] { 0, 1, 2 }
               from layer in new[] { 0, 1, 2 }
               let place = new RoutingContext(DeviceSpan<int>.Empty, 1, 1f, new MicroBatchPlace(step, index).RandomKey(seed))
               select place.InLayer(layer).RandomKey!.Value,
        ];
        Assert.Equal(keys.Length, keys.Distinct().Count());
        Assert.Null(new RoutingContext(DeviceSpan<int>.Empty, 1, 1f).InLayer(1).RandomKey);
    }

    [Fact]
    public void Layers_draw_numbers_of_their_own()
    {
        using var run = new DecoderRun(DecoderRun.Small(Noisy) with { Experts = [8, 8] });

        // Without a router, logits are noise and nothing else.
        run.Dense["layers.0.router"].Vector.AsSpan().Clear();
        run.Dense["layers.1.router"].Vector.AsSpan().Clear();
        run.Train(default);
        Assert.NotEqual(run.Model.RoutingOf(0)!.HostChoices().ToArray(), run.Model.RoutingOf(1)!.HostChoices().ToArray());
    }

    [Fact]
    public void The_noise_of_a_token_does_not_depend_on_how_many_there_are()
    {
        // The first rows of a longer batch and the batch alone: same seed, same tensors.
        var gate = new GateCase(new GateOptions { Noise = 2f }, Padding: 2);
        using var run = new GateRun(gate, 1);
        float[] some = run.Forward(gate).Weights.AsSpan().ToArray();
        var all = new GateCase(gate.Options);
        float[] every = run.Forward(all).Weights.AsSpan().ToArray();
        for (int i = 0; i < some.Length; i++)
        {
            Assert.Equal(gate.Valid[i / 2] == 0 ? 0f : every[i], some[i]);
        }
    }
}
