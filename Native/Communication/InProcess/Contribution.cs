using MoEActors.Native.Communication.Collectives;

namespace MoEActors.Native.Communication.InProcess;

/// <summary>
/// One rank's part in the operation in progress. The rank writes it before it arrives; the others read it after all ranks have arrived and
/// before any has departed, so no field needs a lock of its own.
/// </summary>
internal sealed class Contribution
{
    private Segment[] _sends = [];
    private int _sendCount;
    private OperationDescription _description = new(CollectiveOperation.None, CarriedType.Of<byte>(), 0);

    /// <summary>The operation this rank is in, or was in last.</summary>
    public ref readonly OperationDescription Description => ref _description;

    /// <summary>The rank's memory, as the others see it.</summary>
    public IPeerMemory Memory { get; set; } = HostPeerMemory.Instance;

    /// <summary>Address of the elements that the others may read.</summary>
    public nint Address { get; private set; }

    /// <summary>The segments this rank sends.</summary>
    public ReadOnlySpan<Segment> Sends => _sends.AsSpan(0, _sendCount);

    /// <summary>Describes an operation whose length all ranks share.</summary>
    public void Describe(in OperationDescription description, nint address)
    {
        _description = description;
        Address = address;
        _sendCount = 0;
    }

    /// <summary>Describes an all-to-all: every rank has segments of its own. They are copied, because a span ends with its call.</summary>
    public void DescribeSends(CarriedType element, nint address, ReadOnlySpan<Segment> sends)
    {
        Describe(new OperationDescription(CollectiveOperation.AllToAll, element, 0), address);
        if (_sends.Length < sends.Length)
        {
            _sends = new Segment[Math.Max(sends.Length, 2 * _sends.Length)];
        }

        sends.CopyTo(_sends);
        _sendCount = sends.Length;
    }
}
