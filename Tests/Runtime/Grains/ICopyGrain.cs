namespace MoEActors.Tests.Runtime.Grains;

public interface ICopyGrain : IGrainWithStringKey
{
    /// <summary>Changes what it gets, and says whether it got the very object that the caller has.</summary>
    Task<bool> Spoil(List<int> numbers, object original);

    Task<bool> Keep([Immutable] List<int> numbers);

    Task<bool> KeepMarked(ImmutableMessage message);

    Task<object> Return(object value);

    Task<List<int>> Own();

    Task<int> OwnCount();

    Task<bool> SharesParts(Message[] twice);
}
