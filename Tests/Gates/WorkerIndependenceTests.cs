using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Communication;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;
using MoEActors.Placement.Map;
using MoEActors.Tests.Support;
using MoEActors.Workers.Exchange;

namespace MoEActors.Tests.Gates;

/// <summary>Steps of training give the same bits on 1, 2 and 3 workers, whatever the gate.</summary>
public class WorkerIndependenceTests
{
    private const int Steps = 3;
    private const int MicroBatches = 4;

    public static TheoryData<string> Cases => GateReferenceTests.Cases;

    [Theory]
    [MemberData(nameof(Cases))]
    public void Parameters_and_losses_are_the_same_on_any_number_of_workers(string name)
    {
        ModelConfiguration configuration = DecoderRun.Small(GateCase.All[name].Options) with { Experts = [8, 8] };
        SortedDictionary<string, double[]> one = Run(configuration, 1);
        Assert.Contains(one, entry => entry.Key.Contains("experts.7", StringComparison.Ordinal));
        foreach (int workers in new[] { 2, 3 })
        {
            SortedDictionary<string, double[]> several = Run(configuration, workers);
            Assert.Equal(one.Keys, several.Keys);
            foreach ((string tensor, double[] values) in one)
            {
                Assert.True(values.AsSpan().SequenceEqual(several[tensor]), $"{tensor} differs on {workers} workers.");
            }
        }
    }

    [Theory]
    [InlineData("swiglu", 1, false)]
    [InlineData("gelu", 0, true)]
    public void So_they_are_with_shared_and_residual_experts(string expert, int shared, bool residual)
    {
        ModelConfiguration configuration = DecoderRun.Small(new GateOptions()) with { Expert = expert, SharedExperts = shared, Residual = residual };
        Assert.Equal(Run(configuration, 1), Run(configuration, 3));
    }

    /// <summary>All tensors after some steps, and the losses.</summary>
    private static SortedDictionary<string, double[]> Run(ModelConfiguration configuration, int workers)
    {
        var result = new SortedDictionary<string, double[]>(StringComparer.Ordinal);
        foreach (Dictionary<string, double[]> part in WorkerGroup.Run(workers, communicator => Train(configuration, communicator)))
        {
            foreach ((string name, double[] values) in part)
            {
                Assert.True(!result.TryGetValue(name, out double[]? other) || other.AsSpan().SequenceEqual(values), $"Replicas of {name} differ.");
                result[name] = values;
            }
        }

        return result;
    }

    private static Dictionary<string, double[]> Train(ModelConfiguration configuration, ICommunicator communicator)
    {
        var result = new Dictionary<string, double[]>();
        using var device = new CpuDevice();
        using var arena = new Arena(device);
        using var dense = new ParameterBlock(device, "", ModelLayout.Dense(configuration));
        using DeviceBuffer memory = device.Allocate(sizeof(float) * (long)dense.Length);
        DeviceSpan<float> sum = memory.As<float>().Slice(0, dense.Length);
        dense.Initialise(configuration.Seed);
        List<ParameterBlock> experts = [];
        List<DistributedExpertExchange> exchanges = [];
        using var model = new DecoderModel(configuration, device, arena, dense, layer =>
        {
            int[] ranks = [.. Enumerable.Range(0, configuration.Experts[layer]).Select(expert => (expert + layer) % communicator.Size)];
            ParameterBlock[] blocks =
            [
                .. Enumerable.Range(0, ranks.Length).Where(expert => ranks[expert] == communicator.Rank)
                    .Select(expert => new ParameterBlock(device, ModelLayout.ExpertPrefix(layer, expert), ModelLayout.Expert(configuration))),
            ];
            Array.ForEach(blocks, block => block.Initialise(configuration.Seed));
            experts.AddRange(blocks);
            exchanges.Add(new DistributedExpertExchange(
                device, communicator, LayerPlacement.OfSingles(communicator.Size, ranks), [.. blocks.Select(block => block.Parameters)]));
            return exchanges[^1];
        });

        var optimizer = new Optimizer(new OptimizerOptions { WarmupSteps = 0, LearningRate = 0.01f });
        for (int step = 1; step <= Steps; step++)
        {
            device.Fill(sum, 0f);
            experts.ForEach(block => block.ClearGradients());
            for (int first = 0; first < MicroBatches; first += communicator.Size)
            {
                int index = first + communicator.Rank;
                MicroBatch? batch = index < MicroBatches ? DecoderRun.RandomBatch(configuration, step * 10 + index) : null;
                dense.ClearGradients();
                MicroBatchLoss loss = model.Train(batch, 0.02f, 1f / MicroBatches, new MicroBatchPlace(step, index));
                communicator.ReduceScatterInRankOrder(dense.Gradients, batch is not null, sum);
                if (batch is not null)
                {
                    result.Add($"loss {step}.{index}", [loss.CrossEntropySum, loss.Auxiliary]);
                }
            }

            communicator.AllGatherOwned(sum);
            optimizer.Apply(device, dense, sum, 1f, step);
            experts.ForEach(block => optimizer.Apply(device, block, block.Gradients, 1f, step));
            model.EndStep(sum);
        }

        foreach (ParameterBlock block in experts.Prepend(dense))
        {
            foreach (Parameter parameter in block.Parameters)
            {
                result.Add(block.Prefix + parameter.Shape.Name, Array.ConvertAll(parameter.Vector.AsSpan().ToArray(), value => (double)value));
            }
        }

        experts.ForEach(block => block.Dispose());
        exchanges.ForEach(exchange => exchange.Dispose());
        return result;
    }
}
