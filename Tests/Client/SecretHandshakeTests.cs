using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;
using MoEActors.Client.Connections;
using MoEActors.Native.Communication.Security;

namespace MoEActors.Tests.Client;

/// <summary>Who does not prove to know the cluster's secret does not get as far as Orleans, on either side.</summary>
public sealed class SecretHandshakeTests
{
    private const string Cluster = "moe";
    private const string Address = "10.0.0.1:11111";

    private static readonly ClusterSecret Secret = ClusterSecret.From("a secret of the cluster");
    private static readonly ClusterSecret Other = ClusterSecret.From("the secret of another");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData((byte)ConnectionRole.Silo, "10.0.0.2:11111")]
    [InlineData((byte)ConnectionRole.Client, "")]
    public async Task Both_sides_are_content_and_what_follows_is_untouched(byte role, string source)
    {
        using var line = new Line();
        Task accepting = new SecretHandshake(Secret, Cluster).AcceptAsync(line.Far, (ConnectionRole)role, Address, Cancellation);
        await new SecretHandshake(Secret, Cluster).DialAsync(line.Near, (ConnectionRole)role, Address, source, Cancellation);
        await line.Near.Output.WriteAsync(new byte[] { 1, 2, 3 }, Cancellation);
        await accepting;
        ReadResult read = await line.Far.Input.ReadAtLeastAsync(3, Cancellation);
        Assert.Equal([1, 2, 3], read.Buffer.FirstSpan.ToArray());
    }

    [Theory]
    [InlineData("secret", ConnectionRefusal.Truncated, ConnectionRefusal.Proof)]
    [InlineData("cluster", ConnectionRefusal.Cluster, ConnectionRefusal.Cluster)]
    [InlineData("role", ConnectionRefusal.Role, ConnectionRefusal.Role)]
    [InlineData("address", ConnectionRefusal.Address, ConnectionRefusal.Address)]
    public async Task Whoever_differs_is_refused_and_both_sides_know_why(string difference, ConnectionRefusal acceptor, ConnectionRefusal dialer)
    {
        using var line = new Line();
        Task accepting = new SecretHandshake(Secret, Cluster).AcceptAsync(line.Far, ConnectionRole.Silo, Address, Cancellation);
        var other = new SecretHandshake(difference == "secret" ? Other : Secret, difference == "cluster" ? "moe2" : Cluster);
        HandshakeException dialed = await Assert.ThrowsAsync<HandshakeException>(() => other.DialAsync(
            line.Near, difference == "role" ? ConnectionRole.Client : ConnectionRole.Silo, difference == "address" ? "10.0.0.3:11111" : Address, "x:1", Cancellation));
        await line.Near.Output.CompleteAsync();
        HandshakeException accepted = await Assert.ThrowsAsync<HandshakeException>(() => accepting);
        Assert.Equal((acceptor, dialer), (accepted.Reason, dialed.Reason));
    }

    /// <summary>What an eavesdropper has of a good handshake does not open another one: the acceptor's nonce is a new one.</summary>
    [Fact]
    public async Task A_repeated_handshake_is_refused()
    {
        byte[] said = await DialersWordsAsync();
        using var line = new Line();
        await line.Near.Output.WriteAsync(said, Cancellation);
        HandshakeException refused = await Assert.ThrowsAsync<HandshakeException>(
            () => new SecretHandshake(Secret, Cluster).AcceptAsync(line.Far, ConnectionRole.Silo, Address, Cancellation));
        Assert.Equal(ConnectionRefusal.Proof, refused.Reason);
    }

    /// <summary>A dialer does not take its own proof, or an earlier acceptor's, for the acceptor's.</summary>
    [Fact]
    public async Task An_acceptor_that_repeats_what_it_has_heard_is_refused()
    {
        using var first = new Line();
        Task accepting = new SecretHandshake(Secret, Cluster).AcceptAsync(first.Far, ConnectionRole.Silo, Address, Cancellation);
        var heard = new List<byte>();
        await new SecretHandshake(Secret, Cluster).DialAsync(new Recorder(first.Near, heard), ConnectionRole.Silo, Address, "x:1", Cancellation);
        await accepting;

        using var second = new Line();
        await second.Far.Output.WriteAsync(heard.ToArray(), Cancellation);
        HandshakeException refused = await Assert.ThrowsAsync<HandshakeException>(
            () => new SecretHandshake(Secret, Cluster).DialAsync(second.Near, ConnectionRole.Silo, Address, "x:1", Cancellation));
        Assert.Equal(ConnectionRefusal.Proof, refused.Reason);
    }

    /// <summary>Every beginning of a handshake that then ends, and every byte of one that is another.</summary>
    [Fact]
    public async Task Parts_and_damage_are_refused_at_every_byte()
    {
        byte[] said = await DialersWordsAsync();
        for (int length = 0; length < said.Length; length++)
        {
            Assert.Equal(ConnectionRefusal.Truncated, await ReasonAsync(said[..length]));
            byte[] damaged = [.. said];
            damaged[length] ^= 0x55;
            ConnectionRefusal? reason = await ReasonAsync(damaged);
            ConnectionRefusal[] fitting = length switch
            {
                < 4 => [ConnectionRefusal.Malformed],
                4 => [ConnectionRefusal.Version],
                < 7 => [ConnectionRefusal.Malformed, ConnectionRefusal.Truncated],
                7 => [ConnectionRefusal.Role],
                _ => [ConnectionRefusal.Malformed, ConnectionRefusal.Cluster, ConnectionRefusal.Address, ConnectionRefusal.Proof],
            };
            Assert.Contains(reason!.Value, fitting);
        }
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("\0\0\0\0\0\0\0\0\0\0\0\0")]
    [InlineData("MoEo\u0001\uffff\uffff then more than anybody wants")]
    public async Task What_is_no_handshake_is_malformed(string words) =>
        Assert.Equal(ConnectionRefusal.Malformed, await ReasonAsync([.. words.Select(character => (byte)character)]));

    [Fact]
    public async Task A_guard_counts_what_it_refuses_and_lets_nobody_wait_for_ever()
    {
        var guard = new ConnectionGuard(new SecretHandshake(Secret, Cluster), NullLogger.Instance) { Deadline = TimeSpan.FromMilliseconds(50) };
        var refusals = new ConnectionRefusals("test");
        bool passed = false;
        ConnectionDelegate accept = guard.Accepting(ConnectionRole.Silo, () => IPEndPoint.Parse(Address), refusals)(_ =>
        {
            passed = true;
            return Task.CompletedTask;
        });

        // Nobody says a word.
        using var silent = new Line();
        await accept(new Context(silent.Far));
        Assert.Equal((1, 1, false), (refusals[ConnectionRefusal.Deadline], refusals.Total, passed));

        using var foreign = new Line();
        await foreign.Near.Output.WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray(), Cancellation);
        await accept(new Context(foreign.Far));
        Assert.Equal((1, 2, false), (refusals[ConnectionRefusal.Malformed], refusals.Total, passed));

        using var good = new Line();
        Task accepting = accept(new Context(good.Far));
        await new SecretHandshake(Secret, Cluster).DialAsync(good.Near, ConnectionRole.Silo, Address, "", Cancellation);
        await accepting;
        Assert.Equal((2, true), (refusals.Total, passed));
    }

    [Fact]
    public async Task Only_so_many_handshakes_are_under_way()
    {
        var guard = new ConnectionGuard(new SecretHandshake(Secret, Cluster), NullLogger.Instance);
        var refusals = new ConnectionRefusals("test");
        ConnectionDelegate accept = guard.Accepting(ConnectionRole.Silo, self: null, refusals)(_ => Task.CompletedTask);
        List<Line> lines = [.. Enumerable.Range(0, ConnectionGuard.MaximumPending + 1).Select(_ => new Line())];
        Task[] waiting = [.. lines.Select(line => accept(new Context(line.Far)))];
        await waiting[^1];
        Assert.Equal((1, 1), (refusals[ConnectionRefusal.Crowd], refusals.Total));

        // As soon as one has gone, there is room again.
        lines[0].Dispose();
        await waiting[0];
        using var next = new Line();
        Task accepting = accept(new Context(next.Far));
        await new SecretHandshake(Secret, Cluster).DialAsync(next.Near, ConnectionRole.Silo, Address, "", Cancellation);
        await accepting;
        lines.ForEach(line => line.Dispose());
        await Task.WhenAll(waiting);
        Assert.Equal(1, refusals[ConnectionRefusal.Crowd]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("short")]
    [InlineData("               \n")]
    public void A_secret_that_could_be_guessed_is_refused_and_not_repeated(string text)
    {
        ArgumentException refused = Assert.Throws<ArgumentException>(() => ClusterSecret.From(text));
        Assert.DoesNotContain("short", refused.Message.Replace("too short", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_shows_a_secret()
    {
        const string Text = "hunter2-hunter2-hunter2";
        Assert.DoesNotContain("hunter2", $"{ClusterSecret.From(Text)}", StringComparison.Ordinal);
        var options = new ConnectOptions { Redis = $"redis://user:{Text}@example:1", RedisPassword = Text, Secret = Text };
        Assert.DoesNotContain("hunter2", $"{options} {options.Place}", StringComparison.Ordinal);
        Assert.Equal(64, ClusterSecret.NewText().Length);
        Assert.NotEqual(ClusterSecret.NewText(), ClusterSecret.NewText());
    }

    /// <summary>All that a dialer says in a handshake that goes well.</summary>
    private static async Task<byte[]> DialersWordsAsync()
    {
        using var line = new Line();
        var said = new List<byte>();
        Task accepting = new SecretHandshake(Secret, Cluster).AcceptAsync(new Recorder(line.Far, said), ConnectionRole.Silo, Address, Cancellation);
        await new SecretHandshake(Secret, Cluster).DialAsync(line.Near, ConnectionRole.Silo, Address, "10.0.0.2:11111", Cancellation);
        await accepting;
        return [.. said];
    }

    private static async Task<ConnectionRefusal?> ReasonAsync(byte[] words)
    {
        using var line = new Line();
        if (words.Length > 0)
        {
            await line.Near.Output.WriteAsync(words, Cancellation);
        }

        await line.Near.Output.CompleteAsync();
        try
        {
            await new SecretHandshake(Secret, Cluster).AcceptAsync(line.Far, ConnectionRole.Silo, Address, Cancellation);
            return null;
        }
        catch (HandshakeException e)
        {
            return e.Reason;
        }
    }

    /// <summary>Two ends of a connection in memory.</summary>
    private sealed class Line : IDisposable
    {
        private readonly Pipe _there = new();
        private readonly Pipe _back = new();

        public Line() => (Near, Far) = (new End(_back.Reader, _there.Writer), new End(_there.Reader, _back.Writer));

        public IDuplexPipe Near { get; }

        public IDuplexPipe Far { get; }

        public void Dispose()
        {
            _there.Writer.Complete();
            _back.Writer.Complete();
        }
    }

    private sealed record End(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    /// <summary>Writes down what one end reads.</summary>
    private sealed class Recorder : IDuplexPipe
    {
        public Recorder(IDuplexPipe inner, List<byte> record) => (Input, Output) = (new Reader(inner.Input, record), inner.Output);

        public PipeReader Input { get; }

        public PipeWriter Output { get; }

        private sealed class Reader(PipeReader inner, List<byte> record) : PipeReader
        {
            private System.Buffers.ReadOnlySequence<byte> _last;

            public override void AdvanceTo(SequencePosition consumed)
            {
                record.AddRange(System.Buffers.BuffersExtensions.ToArray(_last.Slice(0, consumed)));
                inner.AdvanceTo(consumed);
            }

            public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
            {
                record.AddRange(System.Buffers.BuffersExtensions.ToArray(_last.Slice(0, consumed)));
                inner.AdvanceTo(consumed, examined);
            }

            public override void CancelPendingRead() => inner.CancelPendingRead();

            public override void Complete(Exception? exception = null) => inner.Complete(exception);

            public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
            {
                ReadResult result = await inner.ReadAsync(cancellationToken);
                _last = result.Buffer;
                return result;
            }

            public override bool TryRead(out ReadResult result)
            {
                bool read = inner.TryRead(out result);
                _last = result.Buffer;
                return read;
            }
        }
    }

    /// <summary>A connection as a server has it.</summary>
    private sealed class Context(IDuplexPipe transport) : ConnectionContext
    {
        private readonly CancellationTokenSource _closed = new();

        public override IDuplexPipe Transport { get; set; } = transport;

        public override string ConnectionId { get; set; } = "test";

        public override Microsoft.AspNetCore.Http.Features.IFeatureCollection Features { get; } = new Microsoft.AspNetCore.Http.Features.FeatureCollection();

        public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

        public override CancellationToken ConnectionClosed { get => _closed.Token; set => throw new NotSupportedException(); }

        public override void Abort(ConnectionAbortedException abortReason) => _closed.Cancel();
    }
}
