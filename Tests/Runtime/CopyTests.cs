using System.Collections.Immutable;
using System.Net;
using MoEActors.Tests.Runtime.Grains;
using Orleans.Concurrency;
using Orleans.Serialization;

namespace MoEActors.Tests.Runtime;

/// <summary>Orleans: arguments and results are deep copies, even within a silo, but for what is marked immutable.</summary>
public sealed class CopyTests(RuntimeCluster cluster)
{
    public static TheoryData<object> Travellers => new((object[])
    [
        1,
        2L,
        3.5,
        1.5f,
        4.5m,
        "text",
        'c',
        true,
        (byte)7,
        DateTimeKind.Utc,
        new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc),
        new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(1)),
        TimeSpan.FromSeconds(5),
        Guid.Parse("6a1f0c7e-7a94-4e13-9b0a-4a4d3a7f2f10"),
        new Uri("https://example.org/a"),
        new Version(1, 2, 3),
        IPAddress.Loopback,
        new[] { 1, 2, 3 },
        new[] { 1.5f, float.NaN },
        new byte[] { 1, 2 },
        new[] { "a", null },
        new[,] { { 1, 2 }, { 3, 4 } },
        new[] { new[] { 1 }, [2, 3] },
        new List<string> { "a", "b" },
        new List<int[]> { new[] { 1 }, new[] { 2 } },
        new Dictionary<string, int> { ["a"] = 1 },
        new Dictionary<string, List<int>> { ["a"] = [1] },
        new HashSet<int> { 1, 2 },
        new Queue<int>([1, 2]),
        new Stack<int>([1, 2]),
        new SortedDictionary<int, string> { [2] = "b", [1] = "a" },
        (1, "two"),
        (1, new[] { 2 }, "three"),
        Tuple.Create(1, "two"),
        KeyValuePair.Create("a", 1),
        ImmutableArray.Create(1, 2, 3),
        ImmutableList.Create("a", "b"),
        ImmutableDictionary<string, int>.Empty.Add("a", 1),
        SiloAddress.New(IPAddress.Loopback, 11111, 3),
        GrainId.Create("some", "grain"),
    ]);

    [Theory]
    [MemberData(nameof(Travellers))]
    public async Task Common_types_travel(object value) => Assert.Equivalent(value, await (await GrainAsync()).Return(value), strict: true);

    [Fact]
    public async Task Arguments_are_copied_at_the_call()
    {
        ICopyGrain grain = await GrainAsync();
        List<int> numbers = [1, 2];
        var message = new Message();
        CopyGrain.Sent = numbers;

        Task<bool> call = grain.Spoil(numbers, message);
        numbers.Add(3);

        Assert.False(await call);
        Assert.Equal([1, 2, 3], numbers);
        Assert.Equal([1, 2, 3], message.Numbers);
    }

    [Fact]
    public async Task Results_are_copied()
    {
        ICopyGrain grain = await GrainAsync();
        List<int> own = await grain.Own();
        own.Clear();

        Assert.Equal(3, await grain.OwnCount());
    }

    [Fact]
    public async Task What_is_marked_immutable_is_passed_as_it_is()
    {
        ICopyGrain grain = await GrainAsync();
        List<int> numbers = [1, 2];
        CopyGrain.Sent = numbers;
        Assert.True(await grain.Keep(numbers));

        var message = new ImmutableMessage([1]);
        CopyGrain.Sent = message;
        Assert.True(await grain.KeepMarked(message));

        Immutable<List<int>> wrapped = numbers.AsImmutable();
        Assert.Same(numbers, ((Immutable<List<int>>)await grain.Return(wrapped)).Value);
    }

    [Fact]
    public async Task Numbered_members_travel_and_others_do_not()
    {
        var sent = new DerivedMessage { Numbers = [4], Init = "init", More = 2.5, Forgotten = 6 };
        sent.SetPrivate(8);

        var got = (DerivedMessage)await (await GrainAsync()).Return(sent);

        Assert.NotSame(sent, got);
        Assert.NotSame(sent.Numbers, got.Numbers);
        Assert.Equal([4], got.Numbers);
        Assert.Equal("init", got.Init);
        Assert.Equal(2.5, got.More);
        Assert.Equal(8, got.GetPrivate());
        Assert.Equal(5, got.Forgotten);
    }

    [Fact]
    public async Task Positional_records_travel()
    {
        ICopyGrain grain = await GrainAsync();
        int[] numbers = [1, 2];
        Assert.Equivalent(new PlainRecord("a", numbers), await grain.Return(new PlainRecord("a", numbers)), strict: true);
        Assert.Equivalent(new NumberedRecord("a", numbers), await grain.Return(new NumberedRecord("a", numbers)), strict: true);
        Assert.Equivalent(new NumberedStruct("a", numbers), await grain.Return(new NumberedStruct("a", numbers)), strict: true);

        var mixed = (MixedRecord)await grain.Return(new MixedRecord("a") { Numbers = numbers });
        Assert.Equal("a", mixed.Name);
        Assert.Equal(numbers, mixed.Numbers);
        Assert.NotSame(numbers, mixed.Numbers);
    }

    [Fact]
    public async Task Shared_parts_stay_shared_and_cycles_end()
    {
        ICopyGrain grain = await GrainAsync();
        var message = new Message();
        message.Next = message;
        CopyGrain.Sent = message;

        Assert.True(await grain.SharesParts([message, message]));
        var got = (Message)await grain.Return(message);
        Assert.Same(got, got.Next);
        Assert.NotSame(message, got);
    }

    [Fact]
    public async Task A_type_that_is_not_marked_may_not_travel()
    {
        ICopyGrain grain = await GrainAsync();
        await Assert.ThrowsAsync<CodecNotFoundException>(() => grain.Return(new UnmarkedMessage()));
        await Assert.ThrowsAsync<CodecNotFoundException>(() => grain.Return(new List<UnmarkedMessage> { new() }));
        await Assert.ThrowsAsync<CodecNotFoundException>(() => grain.Return(new object[] { new UnmarkedMessage() }));
    }

    [Fact]
    public async Task A_reference_to_a_grain_travels()
    {
        ICopyGrain grain = await GrainAsync();
        var got = (ICopyGrain)await grain.Return(grain);
        Assert.Equal(grain.GetGrainId(), got.GetGrainId());
        Assert.Equal(3, await got.OwnCount());
    }

    private async Task<ICopyGrain> GrainAsync() => (await cluster.SilosAsync()).Silos[0].Grains().GetGrain<ICopyGrain>(Gate.NewName());
}
