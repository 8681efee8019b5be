using MoEActors.Modules.Optimizers;
using MoEActors.Workers.Shards;

namespace MoEActors.Workers.Training;

/// <summary>
/// The global gradient norm, alike on every worker to the last bit: each worker sums the squares of its own blocks in double, the sums are
/// gathered, and all add them up in canonical order - the dense part first, then experts, each counted at its home.
/// </summary>
internal sealed class GradientNorm : IDisposable
{
    private readonly DeviceBuffer _memory;
    private readonly DeviceSpan<double> _mine;
    private readonly DeviceSpan<double> _all;
    private readonly double[] _host;
    private readonly double[] _gathered;
    private readonly int[] _owner;
    private readonly (int Index, ParameterBlock Block)[] _local;

    public GradientNorm(IDevice device, PlacementMap map, int rank, ShardTable shards)
    {
        ShardId[] order = [.. map.Shards.Where(shard => shard.Replica == 0)];
        _owner = [.. order.Select(shard => map.RankOf(map.WorkerOf(shard)))];
        _local = [.. Enumerable.Range(0, order.Length).Where(i => _owner[i] == rank).Select(i => (i, shards[order[i].ExpertId]))];
        _host = new double[Math.Max(1, order.Length)];
        _gathered = new double[_host.Length * map.Workers.Length];
        _memory = device.Allocate(sizeof(double) * (long)(_host.Length + _gathered.Length));
        DeviceSpan<double> memory = _memory.As<double>();
        _mine = memory.Slice(0, _host.Length);
        _all = memory.Slice(_host.Length, _gathered.Length);
    }

    /// <summary>√Σ g² over the dense gradients and all experts of the cluster.</summary>
    public double Measure(IDevice device, ICommunicator communicator, ParameterBlock dense, DeviceSpan<float> denseGradients)
    {
        foreach ((int index, ParameterBlock block) in _local)
        {
            _host[index] = Optimizer.SumOfSquares(device, block, block.Gradients);
        }

        device.Write<double>(_host, _mine);
        communicator.AllGather(_mine, _all);
        device.Read(_all, _gathered);
        double sum = Optimizer.SumOfSquares(device, dense, denseGradients);
        for (int i = 0; i < _owner.Length; i++)
        {
            sum += _gathered[_owner[i] * _host.Length + i];
        }

        return Math.Sqrt(sum);
    }

    public void Dispose() => _memory.Dispose();
}
