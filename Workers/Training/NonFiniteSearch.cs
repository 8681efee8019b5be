using System.Globalization;
using MoEActors.Workers.Commands;
using MoEActors.Workers.Shards;

namespace MoEActors.Workers.Training;

/// <summary>
/// Finds which tensors of one worker are not finite. A step costs nothing for it: only one that was refused is run again, a micro-batch at a time,
/// with the same numbers as before. Every member takes part to the end, whatever it has found.
/// </summary>
internal sealed class NonFiniteSearch(IDevice device, StepGradients gradients)
{
    private const string LayerMark = "layers.";

    private readonly ParameterBlock _dense = gradients.Parameters.Dense;
    private readonly ShardTable _shards = gradients.Parameters.Shards;
    private readonly List<NonFinitePart> _found = [];

    /// <summary>Looks through the parameters, and through the gradients of a step up to the first micro-batch that spoils one.</summary>
    /// <param name="microBatches">Micro-batches of the step.</param>
    /// <param name="repeat">Runs one of them again, with the same numbers as before.</param>
    public NonFinitePart[] Run(int microBatches, Action<int> repeat)
    {
        Look(block => block.Values, _dense.Values, microBatch: -1);
        int values = _found.Count;
        device.Fill(gradients.Dense, 0f);
        foreach (ParameterBlock block in Experts())
        {
            block.ClearGradients();
        }

        for (int index = 0; index < microBatches; index++)
        {
            repeat(index);
            if (_found.Count == values)
            {
                Look(block => block.Gradients, gradients.Dense, index);
            }
        }

        return [.. _found];
    }

    private IEnumerable<ParameterBlock> Experts() => Enumerable.Range(0, _shards.Count).Select(i => _shards.At(i).Block);

    private void Look(Func<ParameterBlock, DeviceSpan<float>> part, DeviceSpan<float> ofDense, int microBatch)
    {
        foreach (Parameter parameter in NotFinite(_dense, ofDense))
        {
            _found.Add(new NonFinitePart(microBatch, LayerOf(parameter.Shape.Name), -1, parameter.Shape.Name));
        }

        for (int i = 0; i < _shards.Count; i++)
        {
            (ExpertId expert, ParameterBlock block) = _shards.At(i);
            foreach (Parameter parameter in NotFinite(block, part(block)))
            {
                _found.Add(new NonFinitePart(microBatch, expert.Layer, expert.Expert, block.Prefix + parameter.Shape.Name));
            }
        }
    }

    /// <summary>A float's square is finite in double, so a sum of them is finite where each is.</summary>
    private Parameter[] NotFinite(ParameterBlock block, DeviceSpan<float> values)
    {
        using DeviceBuffer memory = device.Allocate(sizeof(double) * (long)block.Parameters.Count);
        double[] sums = new double[block.Parameters.Count];
        for (int i = 0; i < sums.Length; i++)
        {
            Parameter parameter = block.Parameters[i];
            device.SumOfSquares(values.Slice(parameter.Offset, parameter.Shape.Count), memory.As<double>().Slice(i, 1));
        }

        device.Read(memory.As<double>(), sums);
        return [.. block.Parameters.Where((_, i) => !double.IsFinite(sums[i]))];
    }

    private static int LayerOf(string tensor) => tensor.StartsWith(LayerMark, StringComparison.Ordinal)
        ? int.Parse(tensor[LayerMark.Length..tensor.IndexOf('.', LayerMark.Length)], CultureInfo.InvariantCulture)
        : -1;
}
