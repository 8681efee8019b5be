using Orleans.Placement;

namespace MoEActors.Tests.Runtime.Grains;

/// <summary>Lives beside its caller, so that what is not copied would be shared.</summary>
[PreferLocalPlacement]
public sealed class CopyGrain : Grain, ICopyGrain
{
    private readonly List<int> _own = [1, 2, 3];

    /// <summary>The object that a test sent, to compare with what arrived.</summary>
    public static object? Sent { get; set; }

    public Task<bool> Spoil(List<int> numbers, object original)
    {
        numbers.Add(99);
        if (original is Message message)
        {
            message.Numbers[0] = 99;
        }

        return Task.FromResult(ReferenceEquals(numbers, Sent));
    }

    public Task<bool> Keep([Immutable] List<int> numbers) => Task.FromResult(ReferenceEquals(numbers, Sent));

    public Task<bool> KeepMarked(ImmutableMessage message) => Task.FromResult(ReferenceEquals(message, Sent));

    public Task<object> Return(object value) => Task.FromResult(value);

    public Task<List<int>> Own() => Task.FromResult(_own);

    public Task<int> OwnCount() => Task.FromResult(_own.Count);

    public Task<bool> SharesParts(Message[] twice) =>
        Task.FromResult(ReferenceEquals(twice[0], twice[1]) && !ReferenceEquals(twice[0], Sent));
}
