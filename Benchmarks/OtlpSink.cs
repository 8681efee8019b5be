using System.Net;
using System.Net.Sockets;

namespace MoEActors.Benchmarks;

/// <summary>Receives what is exported by OTLP over HTTP, counts it, and throws it away.</summary>
public sealed class OtlpSink : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Action<string, byte[]>? _received;
    private readonly Task _serving;
    private long _requests;
    private long _bytes;

    private OtlpSink(int port, Action<string, byte[]>? received)
    {
        _received = received;
        Address = new Uri($"http://127.0.0.1:{port}/");
        _listener.Prefixes.Add(Address.ToString());
        _listener.Start();
        _serving = Task.Run(ServeAsync);
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>Requests so far.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>Bytes of them.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Begins to listen on a free port of this machine.</summary>
    /// <param name="received">Is told the path and the content of each request; null for nobody.</param>
    public static OtlpSink Start(Action<string, byte[]>? received = null)
    {
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        int port = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
        return new OtlpSink(port, received);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _listener.Close();
        _serving.Wait();
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            try
            {
                HttpListenerContext context = await _listener.GetContextAsync();
                using var content = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(content);
                Interlocked.Increment(ref _requests);
                Interlocked.Add(ref _bytes, content.Length);
                _received?.Invoke(context.Request.Url!.AbsolutePath, content.ToArray());

                // An empty message of protocol buffers: all of it was taken.
                context.Response.ContentType = "application/x-protobuf";
                context.Response.Close();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or IOException)
            {
                if (!_listener.IsListening)
                {
                    return;
                }
            }
        }
    }
}
