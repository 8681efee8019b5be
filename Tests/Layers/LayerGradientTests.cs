using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Autograd;
using MoEActors.Modules.Gates;
using MoEActors.Modules.MixtureOfExperts;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;
using MoEActors.Placement.Map;
using MoEActors.Tests.Support;
using MoEActors.Workers.Training;

namespace MoEActors.Tests.Layers;

/// <summary>A layer's gradients: against differences of its loss, and against the layer of the library on one device.</summary>
public sealed class LayerGradientTests
{
    private const int RowCount = 11;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, InlineData("swiglu", false, 0), InlineData("gelu", true, 0), InlineData("gelu", false, 1)]
    public async Task Gradients_are_slopes(string expert, bool residual, int shared)
    {
        // Every expert of every token, so that no step along a gradient changes a choice.
        LayerConfiguration configuration = LayerBackbone.Small with
        {
            Expert = expert,
            Residual = residual,
            SharedExperts = shared,
            MicroBatches = 3,
            Gate = new GateOptions { TopK = 5, BalanceCoefficient = 0.3f, ZCoefficient = 0.1f },
        };
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(1);
        ClusterLayer layer = await cluster.Client.CreateLayerAsync(cluster["m"], configuration, null, Cancellation);
        float[] x = LayerBackbone.Values(5, RowCount * configuration.Dim), y = new float[x.Length], dx = new float[x.Length];
        float[] dy = LayerBackbone.Values(6, x.Length);
        await layer.ForwardAsync(x, y, cancellationToken: Cancellation);
        await layer.BackwardAsync(dy, dx, Cancellation);
        WorkerModel model = cluster.Host(0).ModelAt(cluster["m"], 0)!;

        async Task<double> LossAsync()
        {
            ForwardOutcome forward = await layer.ForwardAsync(x, y, training: false, cancellationToken: Cancellation);
            return y.Select((value, i) => (double)value * dy[i]).Sum() + forward.Auxiliary;
        }

        await CheckAsync("x", x, dx, LossAsync);
        ParameterBlock[] blocks = [model.Parameters.Dense, model.Parameters.Shards.At(0).Block, model.Parameters.Shards.At(3).Block];
        foreach (ParameterBlock block in blocks)
        {
            DeviceSpan<float> gradients = block == model.Parameters.Dense ? model.Gradients.Dense : block.Gradients;
            foreach (Parameter parameter in block.Parameters)
            {
                float[] gradient = gradients.Slice(parameter.Offset, parameter.Shape.Count).AsSpan().ToArray();
                await CheckAsync(block.Prefix + parameter.Shape.Name, parameter.Vector, gradient, LossAsync);
            }
        }
    }

    [Theory, InlineData(1), InlineData(4)]
    public async Task A_layer_of_the_cluster_is_the_one_of_the_library(int microBatches)
    {
        LayerConfiguration configuration = LayerBackbone.Small with { MicroBatches = microBatches, Gate = new GateOptions { TopK = 2, CapacityFactor = 1 } };
        ModelConfiguration model = configuration.ToRun().Model;
        using var device = new CpuDevice();
        using var arena = new Arena(device);
        using var dense = new ParameterBlock(device, "", ModelLayout.Dense(model));
        ParameterBlock[] experts =
            [.. Enumerable.Range(0, configuration.Experts).Select(e => new ParameterBlock(device, ModelLayout.ExpertPrefix(0, e), ModelLayout.Expert(model)))];
        foreach (ParameterBlock block in experts.Append(dense))
        {
            block.Initialise(configuration.Seed);
        }

        var single = new MoELayer(
            ModelKinds.BuiltIn.Experts.Get(configuration.Expert),
            new TopKGate(configuration.Gate, dense["layers.0.router"]),
            new SingleProcessExchange([.. experts.Select(block => block.Parameters)]),
            new MoELayerParameters());
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(3);
        ClusterLayer layer = await cluster.Client.CreateLayerAsync(cluster["m"], configuration, null, Cancellation);
        var optimizer = new Optimizer(configuration.Optimizer);
        int width = configuration.Dim;
        for (int step = 1; step <= 3; step++)
        {
            float[] x = LayerBackbone.Values(step, RowCount * width), dy = LayerBackbone.Values(-step, x.Length);
            float[] y = new float[x.Length], dx = new float[x.Length], expectedY = new float[x.Length], expectedDx = new float[x.Length];
            await layer.ForwardAsync(x, y, cancellationToken: Cancellation);
            await layer.BackwardAsync(dy, dx, Cancellation);
            StepOutcome outcome = await layer.ApplyAsync(Cancellation);
            Array.ForEach([.. experts, dense], block => block.ClearGradients());
            for (int m = 0; m < microBatches; m++)
            {
                Range rows = (RowCount * m / microBatches * width)..(RowCount * (m + 1) / microBatches * width);
                var tape = new Tape(device, arena);
                tape.Reset();
                Tensor input = Upload(tape, x.AsSpan(rows), width), zero = Upload(tape, new float[x.AsSpan(rows).Length], width);
                Tensor output = single.Forward(tape, input, zero, new RoutingContext(default, input.Rows, 1f / microBatches));
                output.Value.Data.AsSpan().CopyTo(expectedY.AsSpan(rows));
                tape.Seed(output, Upload(tape, dy.AsSpan(rows), width).Value);
                tape.Backward();
                tape.Gradient(input).Data.AsSpan().CopyTo(expectedDx.AsSpan(rows));
            }

            Assert.Equal(expectedY, y);
            Assert.Equal(expectedDx, dx);
            float clip = configuration.Optimizer.ClipFactor(outcome.GradientNorm);
            Assert.Equal(
                Math.Sqrt(experts.Append(dense).Sum(block => GradientSquares.Of(device, block))), outcome.GradientNorm, 1e-6);
            foreach (ParameterBlock block in experts.Append(dense))
            {
                optimizer.Apply(device, block, block.Gradients, clip, step);
            }
        }

        await layer.FingerprintAsync(Cancellation); // The last commit, which nobody waits for, has been carried out by now.
        ExpertId expert = new(0, 4);
        WorkerModel holder = Enumerable.Range(0, 3).Select(silo => cluster.Host(silo).ModelAt(cluster["m"], silo)!).Single(found => found.Parameters.Shards.Contains(expert));
        Assert.Equal(experts[4].Values.AsSpan().ToArray(), holder.Parameters.Shards[expert].Values.AsSpan().ToArray());
        Assert.Equal(dense.Values.AsSpan().ToArray(), holder.Parameters.Dense.Values.AsSpan().ToArray());
        Array.ForEach(experts, block => block.Dispose());
    }

    private static Tensor Upload(Tape tape, ReadOnlySpan<float> values, int width)
    {
        Tensor tensor = tape.Create(values.Length / width, width);
        tape.Device.Write(values, tensor.Value.Data);
        return tensor;
    }

    private static Task CheckAsync(string name, float[] values, float[] gradient, Func<Task<double>> loss) =>
        CheckAsync(name, [.. values], gradient, changed => changed.CopyTo(values, 0), loss);

    private static Task CheckAsync(string name, DeviceSpan<float> values, float[] gradient, Func<Task<double>> loss) =>
        CheckAsync(name, values.AsSpan().ToArray(), gradient, changed => changed.CopyTo(values.AsSpan()), loss);

    /// <summary>Along its own direction a gradient's slope is its norm.</summary>
    private static async Task CheckAsync(string name, float[] values, float[] gradient, Action<float[]> set, Func<Task<double>> loss)
    {
        const double step = 1e-2;
        double norm = Math.Sqrt(gradient.Sum(value => (double)value * value));
        Assert.True(norm > 0, $"{name} has no gradient.");
        async Task<double> AlongAsync(double distance)
        {
            set([.. values.Select((value, i) => (float)(value + distance * gradient[i] / norm))]);
            return await loss();
        }

        double slope = (await AlongAsync(step) - await AlongAsync(-step)) / (2 * step);
        set(values);
        Assert.True(Math.Abs(slope - norm) <= 1e-3 + 2e-3 * norm, $"The slope along {name} is {slope:E5}, its gradient {norm:E5}.");
    }
}
