using Microsoft.Playwright;
using MoEActors.Tests.Dashboard;

[assembly: AssemblyFixture(typeof(Browser))]
namespace MoEActors.Tests.Dashboard;

/// <summary>Debian's Chromium, started once for all tests, when the first asks for it.</summary>
public sealed class Browser : IAsyncDisposable
{
    private const string Program = "/usr/bin/chromium";

    private readonly SemaphoreSlim _starting = new(1);
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <summary>A page that nobody has seen.</summary>
    /// <param name="width">Its width, in pixels.</param>
    /// <param name="height">Its height.</param>
    /// <param name="scheme">Light or dark.</param>
    internal async Task<WatchedPage> OpenAsync(int width = 1440, int height = 1000, ColorScheme scheme = ColorScheme.Light)
    {
        Assert.SkipUnless(File.Exists(Program), $"There is no {Program}.");
        await _starting.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            _playwright ??= await Playwright.CreateAsync();

            // Chromium does not sandbox what root starts.
            _browser ??= await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = Program, Args = ["--no-sandbox", "--disable-gpu"] });
        }
        finally
        {
            _starting.Release();
        }

        IBrowserContext context = await _browser.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = width, Height = height },
            ColorScheme = scheme,
            ReducedMotion = ReducedMotion.Reduce,
            TimezoneId = "UTC",
        });
        return new WatchedPage(context, await context.NewPageAsync());
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
        _starting.Dispose();
    }
}

/// <summary>A page, and what went wrong on it.</summary>
internal sealed class WatchedPage : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly List<string> _problems = [];
    private Uri? _home;

    public WatchedPage(IBrowserContext context, IPage page)
    {
        (_context, Page) = (context, page);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                Note($"console: {message.Text}");
            }
        };
        page.PageError += (_, error) => Note($"script: {error}");
        page.Request += (_, request) =>
        {
            if (_home is not null && new Uri(request.Url) is { Scheme: not "data" } asked && asked.Authority != _home.Authority)
            {
                Note($"a request to {request.Url}");
            }
        };
        page.Response += (_, response) =>
        {
            if (response.Status >= 400)
            {
                Note($"{response.Status} for {response.Url}");
            }
        };
    }

    public IPage Page { get; }

    /// <summary>Errors, warnings, and requests to other hosts.</summary>
    public string[] Problems
    {
        get
        {
            lock (_problems)
            {
                return [.. _problems];
            }
        }
    }

    public Task GoAsync(Uri home, string hash = "")
    {
        _home = home;
        return Page.GotoAsync($"{home}{hash}");
    }

    /// <summary>Waits until a text is in an element.</summary>
    public Task SeesAsync(string selector, string text, TimeSpan? patience = null) => Assertions.Expect(Page.Locator(selector))
        .ToContainTextAsync(text, new LocatorAssertionsToContainTextOptions { Timeout = (float)(patience ?? TimeSpan.FromSeconds(30)).TotalMilliseconds });

    public ValueTask DisposeAsync() => _context.DisposeAsync();

    private void Note(string problem)
    {
        lock (_problems)
        {
            _problems.Add(problem);
        }
    }
}
