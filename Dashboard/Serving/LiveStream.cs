using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using MoEActors.Dashboard.Boards;

namespace MoEActors.Dashboard.Serving;

/// <summary>Server-sent events: a snapshot of what a viewer looks at, then what changes of it.</summary>
/// <param name="board">What there is to see.</param>
/// <param name="options">How many may look.</param>
/// <param name="host">Whose end ends the streams.</param>
internal sealed class LiveStream(Board board, IOptions<MoEDashboardOptions> options, IHostApplicationLifetime host)
{
    /// <summary>
    /// Milliseconds between two messages: an eye sees no more. All are sent theirs at the same moments, so that those who look at the same are sent the same, which is made once.
    /// </summary>
    private const int Pause = 250;

    /// <summary>An empty line shows both sides that the other is there.</summary>
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    private readonly SharedMessages _messages = new(board);
    private int _viewers;

    /// <summary>Streams that are open.</summary>
    public int Viewers => Volatile.Read(ref _viewers);

    /// <summary>Serves one viewer until he goes, or does not read what he is sent.</summary>
    /// <param name="context">The request.</param>
    /// <param name="model">The model that he looks at; null for none.</param>
    /// <param name="layer">The layer.</param>
    public async Task ServeAsync(HttpContext context, string? model, int layer)
    {
        if (Interlocked.Increment(ref _viewers) > options.Value.MostViewers)
        {
            Interlocked.Decrement(ref _viewers);
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            context.Response.Headers.RetryAfter = "10";
            return;
        }

        try
        {
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, host.ApplicationStopping);
            await StreamAsync(context, model, layer, ending.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or TimeoutException)
        {
            // Gone, or as good as gone: whoever is still there comes again, and gets what he has missed.
            context.Abort();
        }
        finally
        {
            Interlocked.Decrement(ref _viewers);
        }
    }

    private async Task StreamAsync(HttpContext context, string? model, int layer, CancellationToken ending)
    {
        HttpResponse response = context.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        response.Headers["X-Accel-Buffering"] = "no";
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        var viewer = new Viewer(board, _messages, model, layer);
        viewer.Resume(context.Request.Headers["Last-Event-ID"]);
        await SendAsync(context, "retry: 1000\n\n"u8.ToArray(), ending);
        while (!ending.IsCancellationRequested)
        {
            // Taken first, so that no change falls between.
            Task changed = board.Changed;
            if (viewer.Next() is { } message)
            {
                await SendAsync(context, message, ending);
            }

            if (await IsDoneAsync(changed, ending))
            {
                await Task.Delay(Pause - (int)(Environment.TickCount64 % Pause), ending);
            }
            else
            {
                await SendAsync(context, ":\n\n"u8.ToArray(), ending);
            }
        }
    }

    /// <summary>Sends something to a viewer who reads; one who does not within the time is dropped.</summary>
    private async Task SendAsync(HttpContext context, ReadOnlyMemory<byte> message, CancellationToken ending)
    {
        ValueTask<FlushResult> sending = context.Response.BodyWriter.WriteAsync(message, ending);
        if (sending.IsCompletedSuccessfully)
        {
            _ = sending.Result;
            return;
        }

        Task sent = sending.AsTask();
        try
        {
            await sent.WaitAsync(options.Value.ReadTimeout, ending);
        }
        catch (TimeoutException)
        {
            // It ends with the connection.
            _ = sent.ContinueWith(task => task.Exception, TaskScheduler.Default);
            throw;
        }
    }

    private static async Task<bool> IsDoneAsync(Task changed, CancellationToken ending)
    {
        try
        {
            await changed.WaitAsync(Heartbeat, ending);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }
}
