namespace MoEActors.Silo.Embedded;

/// <summary>Waits until a silo takes another one for active, or for dead.</summary>
internal sealed class SiloStatusWatch : ISiloStatusListener, IDisposable
{
    private readonly TaskCompletionSource _seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ISiloStatusOracle _oracle;
    private readonly SiloAddress _address;
    private readonly SiloStatus _status;

    public SiloStatusWatch(ISiloStatusOracle oracle, SiloAddress address, SiloStatus status)
    {
        _oracle = oracle;
        _address = address;
        _status = status;
        oracle.SubscribeToSiloStatusEvents(this);
        Look();
    }

    public Task Seen => _seen.Task;

    public void SiloStatusChangeNotification(SiloAddress updatedSilo, SiloStatus status) => Look();

    public void Dispose() => _oracle.UnSubscribeFromSiloStatusEvents(this);

    private void Look()
    {
        if (_oracle.GetApproximateSiloStatus(_address) == _status)
        {
            _seen.TrySetResult();
        }
    }
}
