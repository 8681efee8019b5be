using MoEActors.Modules.Optimizers;
using MoEActors.Workers.Shards;

namespace MoEActors.Workers.Training;

/// <summary>
/// The global gradient norm, alike on every worker to the last bit: each worker sums the squares of its own tensors in double, the sums are
/// gathered, read once, and added up by all in canonical order - the dense part first, then experts, each counted at its home.
/// </summary>
internal sealed class GradientNorm : IDisposable
{
    private readonly DeviceBuffer _memory;
    private readonly DeviceSpan<double> _dense;
    private readonly DeviceSpan<double> _mine;
    private readonly DeviceSpan<double> _all;
    private readonly double[] _sums;
    private readonly ParameterBlock[] _home;

    /// <summary>By expert in canonical order: where its first tensor's sum is among all sums.</summary>
    private readonly int[] _places;

    private readonly int _tensors;

    public GradientNorm(IDevice device, PlacementMap map, int rank, WorkerParameters parameters)
    {
        ShardId[] order = [.. map.Shards.Where(shard => shard.Replica == 0)];
        int[] homes = [.. order.Select(shard => map.RankOf(map.WorkerOf(shard)))];
        int most = Math.Max(1, homes.CountBy(home => home).Select(home => home.Value).DefaultIfEmpty().Max());
        int dense = Optimizer.TrainedTensors(parameters.Dense);
        _tensors = ModelLayout.Expert(parameters.Model).Count(tensor => tensor.Trained);
        _home = [.. order.Where((_, i) => homes[i] == rank).Select(shard => parameters.Shards[shard.ExpertId])];
        int[] next = [.. Enumerable.Range(0, map.Workers.Length).Select(home => dense + home * most * _tensors)];
        _places = [.. homes.Select(home => (next[home] += _tensors) - _tensors)];
        int mine = most * _tensors;
        _sums = new double[dense + mine * map.Workers.Length];
        _memory = device.Allocate(sizeof(double) * (long)(_sums.Length + mine));
        DeviceSpan<double> memory = _memory.As<double>();
        _dense = memory.Slice(0, dense);
        _all = memory.Slice(dense, _sums.Length - dense);
        _mine = memory.Slice(_sums.Length, mine);
    }

    /// <summary>√Σ g² over the dense gradients and all experts of the cluster.</summary>
    public double Measure(IDevice device, ICommunicator communicator, ParameterBlock dense, DeviceSpan<float> denseGradients)
    {
        for (int i = 0; i < _home.Length; i++)
        {
            Optimizer.SumsOfSquares(device, _home[i], _home[i].Gradients, _mine.Slice(i * _tensors, _tensors));
        }

        communicator.AllGather(_mine, _all);
        Optimizer.SumsOfSquares(device, dense, denseGradients, _dense);
        device.Read(_memory.As<double>().Slice(0, _sums.Length), _sums);
        double sum = Sum(0, _dense.Length);
        foreach (int place in _places)
        {
            sum += Sum(place, _tensors);
        }

        return Math.Sqrt(sum);
    }

    public void Dispose() => _memory.Dispose();

    private double Sum(int first, int count)
    {
        double sum = 0;
        foreach (double tensor in _sums.AsSpan(first, count))
        {
            sum += tensor;
        }

        return sum;
    }
}
