using System.Globalization;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Grains.Workers;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Memory;
using MoEActors.Placement;

namespace MoEActors.Grains.Checkpoints;

/// <summary>
/// Writes what one worker holds: a file of its experts' parameters and one of their moments; rank 0 adds the dense part, and an expert with
/// replicas is written by its home. Names carry the step and the save, so that an older checkpoint in the folder - of this run or another -
/// stays whole until the index has changed.
/// </summary>
internal static class CheckpointWriter
{
    /// <summary>Writes the worker's files into a folder that exists.</summary>
    public static BlockReport[] Write(IFileStore store, SaveOrder order, WorkerModel model, EpochView view)
    {
        ModelConfiguration configuration = view.Model.Configuration;
        var weights = new SafetensorsWriter();
        var moments = new SafetensorsWriter();
        if (view.Rank == 0)
        {
            Add(weights, moments, model, model.Parameters.Dense, HuggingFaceNames.Dense(configuration));
        }

        for (int i = 0; i < model.Parameters.Shards.Count; i++)
        {
            (ExpertId id, ParameterBlock block) = model.Parameters.Shards.At(i);
            if (view.Map.RanksOf(id.Layer)[id.Expert] == view.Rank)
            {
                Add(weights, moments, model, block, HuggingFaceNames.Expert(configuration, id.Layer, id.Expert));
            }
        }

        if (!weights.Names.Any())
        {
            return [];
        }

        string suffix = string.Create(
            CultureInfo.InvariantCulture, $"step-{model.Parameters.Version:00000000}-{order.Tag}-{view.Rank + 1:00000}-of-{view.Map.Workers.Length:00000}.safetensors");
        return [Write(store, order.Folder, $"model-{suffix}", weights), Write(store, order.Folder, $"{CheckpointIndex.OptimizerStem}-{suffix}", moments)];
    }

    private static BlockReport Write(IFileStore store, string folder, string name, SafetensorsWriter writer)
    {
        store.Write(Path.Combine(folder, name), writer.WriteTo);
        return new BlockReport("", 0, name, [.. writer.Names], writer.DataBytes);
    }

    private static void Add(
        SafetensorsWriter weights, SafetensorsWriter moments, WorkerModel model, ParameterBlock block, IReadOnlyList<TensorRegion> regions)
    {
        foreach (TensorRegion region in regions)
        {
            Parameter parameter = block[region.Parameter];
            weights.Add(region.Name, region.Shape(parameter.Shape), () => region.Take(parameter.Shape, Read(model, parameter.Vector)));
        }

        foreach (Parameter parameter in block.Parameters)
        {
            int[] shape = [parameter.Shape.Rows, parameter.Shape.Columns];
            int offset = parameter.Offset;
            int count = parameter.Shape.Count;
            moments.Add(MomentNames.First(block.Prefix, parameter.Shape), shape, () => Read(model, block.FirstMoments.Slice(offset, count)));
            moments.Add(MomentNames.Second(block.Prefix, parameter.Shape), shape, () => Read(model, block.SecondMoments.Slice(offset, count)));
        }
    }

    private static float[] Read(WorkerModel model, DeviceSpan<float> span)
    {
        float[] values = new float[span.Length];
        model.Device.Read(span, values);
        return values;
    }
}
