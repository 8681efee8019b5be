using System.Collections.Immutable;
using System.Net;

namespace MoEActors.Native.Communication;

/// <summary>What a communicator is for. The same ranks may have one of each kind open at the same time.</summary>
public enum CommunicatorPurpose
{
    /// <summary>The collective program of training steps, evaluations and layer calls; as long as the view is open.</summary>
    StepProgram = 0,

    /// <summary>Copies of shards for a change of placement, beside a step; one for every attempt.</summary>
    ShardCopy = 1,

    /// <summary>Copies of snapshots, beside steps or when a view begins with one; one for every attempt.</summary>
    SnapshotCopy = 2,
}

/// <summary>One rank of a communicator, and where it runs.</summary>
/// <param name="Rank">The rank, from 0.</param>
/// <param name="Host">Name of the process that the rank runs in; ranks of one host share it.</param>
/// <param name="Device">Index of the device on that host.</param>
/// <param name="EndPoint">Where the host accepts data connections; null where the provider needs none.</param>
public sealed record CommunicatorMember(int Rank, string Host, int Device, EndPoint? EndPoint = null);

/// <summary>
/// All that a provider needs to open one rank's communicator. The ranks that are to form one communicator give the same purpose, model, term,
/// view, attempt and members, each with its own rank. A spec is valid once it exists.
/// </summary>
public sealed record CommunicatorSpec
{
    /// <summary>How long a rank's connection may be silent before the rank counts as lost, unless set.</summary>
    public static readonly TimeSpan DefaultLivenessDeadline = TimeSpan.FromSeconds(3);

    /// <summary>How long an operation waits for all ranks to arrive, unless set.</summary>
    public static readonly TimeSpan DefaultProgressDeadline = TimeSpan.FromSeconds(30);

    /// <summary>Describes the communicator as <paramref name="rank"/> opens it.</summary>
    /// <param name="members">Every rank from 0 on, once, in any order.</param>
    /// <param name="rank">The rank that opens.</param>
    /// <exception cref="ArgumentException">No member, a rank that is missing or there twice, or a member without a host or device.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="rank"/> is none of the members.</exception>
    public CommunicatorSpec(IEnumerable<CommunicatorMember> members, int rank)
    {
        Members = [.. members.OrderBy(member => member.Rank)];
        if (Members.IsEmpty)
        {
            throw new ArgumentException("A communicator needs at least one rank.", nameof(members));
        }

        for (int i = 0; i < Members.Length; i++)
        {
            CommunicatorMember member = Members[i];
            if (member.Rank != i)
            {
                string ranks = string.Join(", ", Members.Select(other => other.Rank));
                throw new ArgumentException(
                    $"The members have the ranks {ranks}; {Members.Length} members must have each of 0 to {Members.Length - 1} once.", nameof(members));
            }

            if (string.IsNullOrEmpty(member.Host) || member.Device < 0)
            {
                throw new ArgumentException(
                    $"Rank {i} is on device {member.Device} of host '{member.Host}'; it needs a host's name and a device from 0.", nameof(members));
            }
        }

        if ((uint)rank >= (uint)Members.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(rank), rank, $"Rank {rank} is none of the {Members.Length} members.");
        }

        Rank = rank;
        RanksByHost = [.. Members.GroupBy(member => member.Host).Select(host => host.Select(member => member.Rank).ToImmutableArray())];
    }

    /// <summary>What the communicator is for.</summary>
    public required CommunicatorPurpose Purpose { get; init; }

    /// <summary>The model whose work it carries.</summary>
    /// <exception cref="ArgumentException">An empty name.</exception>
    public required string Model
    {
        get;
        init => field = value is { Length: > 0 } ? value : throw new ArgumentException("A communicator needs the name of a model.", nameof(value));
    }

    /// <summary>The coordinator's term.</summary>
    public required long Term { get; init; }

    /// <summary>Number of the view whose members the ranks are.</summary>
    public required long View { get; init; }

    /// <summary>Tells communicators of one purpose in one view from each other: a communicator that has failed is not opened again.</summary>
    public long Attempt { get; init; }

    /// <summary>The ranks in order.</summary>
    public ImmutableArray<CommunicatorMember> Members { get; }

    /// <summary>The rank that opens.</summary>
    public int Rank { get; }

    /// <summary>Number of ranks.</summary>
    public int Size => Members.Length;

    /// <summary>The ranks that share a process, ascending, by host in the order of their first ranks.</summary>
    public ImmutableArray<ImmutableArray<int>> RanksByHost { get; }

    /// <summary>
    /// The device whose memory the rank's spans are in, used by the communicator within its operations alone; null for memory that the processor addresses.
    /// </summary>
    public IDevice? Device { get; init; }

    /// <summary>How long a rank's connection may be silent before the rank counts as lost. Of no use where ranks share a process.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public TimeSpan LivenessDeadline { get; init => field = Positive(value, nameof(LivenessDeadline)); } = DefaultLivenessDeadline;

    /// <summary>How long an operation waits, from its first rank's arrival, for the others.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public TimeSpan ProgressDeadline { get; init => field = Positive(value, nameof(ProgressDeadline)); } = DefaultProgressDeadline;

    /// <summary>Which communicator this is, for messages and logs.</summary>
    public override string ToString() =>
        $"{Purpose} communicator of model '{Model}', term {Term}, view {View}" + (Attempt == 0 ? "" : $", attempt {Attempt}");

    /// <summary>What a rank is told that wants a communicator which is open with other members.</summary>
    internal InvalidOperationException DifferFrom(CommunicatorSpec open) => new(
        $"The {this} is open with {open.MembersInWords()}; rank {Rank} wants {MembersInWords()}. All ranks must name the same members.");

    private string MembersInWords() =>
        $"{Size} rank{(Size == 1 ? "" : "s")} ({string.Join(", ", Members.Select(member => $"{member.Host}/{member.Device}"))})";

    private static TimeSpan Positive(TimeSpan value, string name) =>
        value > TimeSpan.Zero ? value : throw new ArgumentOutOfRangeException(name, value, $"{name} must be positive, not {value}.");
}
