using MoEActors.Native.Communication;

namespace MoEActors.Native.DryRun;

/// <summary>Opens groups of which one rank alone exists, see <see cref="DryRunCommunicator"/>.</summary>
/// <param name="device">The rank's device.</param>
/// <param name="skew">Rows that come to this rank over its equal share; 1 for level routing.</param>
/// <param name="most">The most rows that one rank can send to one expert.</param>
public sealed class DryRunCommunicators(DryRunDevice device, double skew = 1, int most = int.MaxValue) : ICommunicatorProvider
{
    /// <inheritdoc />
    public ICommunicator Open(string model, long epoch, int rank, int size, TimeSpan deadline) => new DryRunCommunicator(device, rank, size, skew, most);
}
