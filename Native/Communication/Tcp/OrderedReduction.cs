using MoEActors.Native.Communication.Collectives;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Communication.Tcp;

/// <summary>
/// The sum of <see cref="ICommunicator.ReduceScatterInRankOrder"/>, chunk by chunk while the parts arrive: a chunk is added when every rank's has come, in rank
/// order. So few chunks of every rank are kept that they stay in the cache, however long the sum is.
/// </summary>
internal sealed class OrderedReduction(int rank, int size) : IDisposable
{
    private const int ChunkElements = 32 * 1024;

    /// <summary>Chunks of a rank that may have come before they are added.</summary>
    private const int Kept = 2;

    private readonly NativeScratch _memory = new();
    private readonly nint[] _parts = new nint[size];
    private DeviceSpan<float> _chunks;
    private DeviceSpan<float> _sum;
    private DeviceSpan<float> _own;
    private int _added;

    /// <summary>Whether everything has been added.</summary>
    public bool IsDone => (long)_added * ChunkElements >= _sum.Length;

    /// <summary>Begins a sum.</summary>
    /// <param name="exchange">The operation, which has begun.</param>
    /// <param name="part">This rank's part of the owned range; empty if it does not contribute.</param>
    /// <param name="sum">The owned range of the running sum.</param>
    public void Begin(CollectiveExchange exchange, DeviceSpan<float> part, DeviceSpan<float> sum)
    {
        (_own, _sum, _added) = (part, sum, 0);
        int chunk = Math.Min(ChunkElements, sum.Length);
        _chunks = _memory.Take<float>(Math.Max(1, chunk * Kept * size));
        for (int peer = 0; peer < size; peer++)
        {
            if (peer != rank)
            {
                for (int i = 0; (long)i * ChunkElements < sum.Length; i++)
                {
                    exchange[peer].Receiver.AddApart(Place(peer, i), (long)Length(i) * sizeof(float));
                }

                exchange[peer].Receiver.Limit(Kept);
            }
        }
    }

    /// <summary>Adds the chunks that have come from every rank.</summary>
    /// <returns>Whether any was added.</returns>
    public bool Consume(CollectiveExchange exchange)
    {
        int before = _added;
        while (!IsDone && HasCome(exchange))
        {
            int parts = 0;
            for (int peer = 0; peer < size; peer++)
            {
                if (peer == rank ? !_own.IsEmpty : exchange[peer].Receiver.Contributes)
                {
                    _parts[parts++] = peer == rank ? _own.Slice((long)_added * ChunkElements).Address : Place(peer, _added);
                }
            }

            OrderedSum.Add(_sum.Slice((long)_added * ChunkElements, Length(_added)), _parts.AsSpan(0, parts));
            _added++;
        }

        for (int peer = 0; peer < size && _added > before; peer++)
        {
            if (peer != rank)
            {
                exchange[peer].Receiver.Limit(_added + Kept);
            }
        }

        return _added > before;
    }

    /// <summary>Frees the chunks.</summary>
    public void Dispose() => _memory.Dispose();

    private bool HasCome(CollectiveExchange exchange)
    {
        for (int peer = 0; peer < size; peer++)
        {
            if (peer != rank && exchange[peer].Receiver is { Contributes: true } receiver && receiver.Arrived <= _added)
            {
                return false;
            }
        }

        return true;
    }

    private int Length(int chunk) => (int)Math.Min(ChunkElements, _sum.Length - (long)chunk * ChunkElements);

    private nint Place(int peer, int chunk) =>
        _chunks.Slice((peer * Kept + chunk % Kept) * Math.Min(ChunkElements, _sum.Length)).Address;
}
