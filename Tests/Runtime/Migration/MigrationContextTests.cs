using System.Buffers;
using System.Collections.Concurrent;
using MoEActors.Tests.Runtime.Grains;

namespace MoEActors.Tests.Runtime.Migration;

/// <summary>Orleans: what a migration context carries, and what it drops.</summary>
public sealed class MigrationContextTests(RuntimeCluster cluster)
{
    [Fact]
    public async Task Bytes_and_values_arrive_as_they_were_when_they_were_added()
    {
        List<int> numbers = [1, 2];
        var found = new ConcurrentDictionary<string, object?>();
        await TravelAsync(
            packed =>
            {
                packed.AddBytes("bytes", [1, 2, 3]);
                packed.AddBytes("written", static (text, writer) => writer.Write(text), new byte[] { 4, 5 });
                Assert.True(packed.TryAddValue("numbers", numbers));
                Assert.True(packed.TryAddValue("message", new Message { Numbers = [9] }));
                numbers.Add(3);
            },
            unpacked =>
            {
                found["bytes"] = unpacked.TryGetBytes("bytes", out ReadOnlySequence<byte> bytes) ? bytes.ToArray() : null;
                found["written"] = unpacked.TryGetBytes("written", out bytes) ? bytes.ToArray() : null;
                found["numbers"] = unpacked.TryGetValue("numbers", out List<int>? list) ? list : null;
                found["message"] = unpacked.TryGetValue("message", out Message? message) ? message.Numbers : null;
                found["nothing"] = unpacked.TryGetValue("nothing", out string? _) || unpacked.TryGetBytes("nothing", out _);
                found["keys"] = unpacked.Keys.Order(StringComparer.Ordinal).ToArray();
            });

        Assert.Equal(new byte[] { 1, 2, 3 }, found["bytes"]);
        Assert.Equal(new byte[] { 4, 5 }, found["written"]);
        Assert.Equal(new List<int> { 1, 2 }, found["numbers"]);
        Assert.Equal(new List<int> { 9 }, found["message"]);
        Assert.Equal(false, found["nothing"]);
        Assert.Equal(new[] { "bytes", "last", "message", "numbers", "sys.addr", "value", "written" }, found["keys"]);
    }

    [Fact]
    public async Task A_key_that_is_taken_refuses_a_value_and_fails_for_bytes()
    {
        var found = new ConcurrentDictionary<string, object?>();
        await TravelAsync(
            packed =>
            {
                found["again"] = packed.TryAddValue("value", 8);
                found["bytes"] = Record.Exception(() => packed.AddBytes("value", [1]));
            },
            _ => { });

        Assert.Equal(false, found["again"]);
        Assert.IsType<ArgumentException>(found["bytes"]);
    }

    [Fact]
    public async Task A_value_without_codec_is_left_behind_without_a_word()
    {
        var found = new ConcurrentDictionary<string, object?>();
        Journey journey = await TravelAsync(
            packed => found["packed"] = packed.TryAddValue("unmarked", new UnmarkedMessage { Number = 3 }),
            unpacked => found["unpacked"] = unpacked.TryGetValue("unmarked", out UnmarkedMessage? _));

        Assert.Equal(false, found["packed"]);
        Assert.Equal(false, found["unpacked"]);
        Assert.DoesNotContain("lost the last", journey.Whats);
    }

    [Fact]
    public async Task A_value_whose_declared_type_hides_that_it_has_no_codec_ends_the_packing()
    {
        Journey journey = await TravelAsync(packed => packed.TryAddValue<object>("hidden", new UnmarkedMessage()), _ => { });

        Assert.Contains("lost the last", journey.Whats);
    }

    [Fact]
    public async Task Null_is_packed_and_not_found()
    {
        var found = new ConcurrentDictionary<string, object?>();
        await TravelAsync(
            packed => found["packed"] = packed.TryAddValue<string>("null", null),
            unpacked => found["unpacked"] = unpacked.TryGetValue("null", out string? _));

        Assert.Equal(true, found["packed"]);
        Assert.Equal(false, found["unpacked"]);
    }

    /// <summary>Moves a grain that packs and unpacks like this. What it carries besides arrives in any case.</summary>
    private async Task<Journey> TravelAsync(Action<IDehydrationContext> pack, Action<IRehydrationContext> unpack)
    {
        Journey journey = await Journey.BeginAsync(await cluster.SilosAsync(), new TravelPlan { Pack = pack, Unpack = unpack });
        await journey.Grain.Go(journey.To);
        Assert.Equal(7, await journey.Grain.Get());
        return journey;
    }
}
