using System.Collections.Frozen;
using System.IO.Compression;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace MoEActors.Dashboard.Serving;

/// <summary>The files of the page, from the assembly.</summary>
internal sealed class PageFiles
{
    /// <summary>The page itself.</summary>
    public const string Index = "index.html";

    /// <summary>
    /// What a browser may do with the page: use what comes from here, and nothing else. uPlot and the page set styles from code, which is allowed; styles and scripts in
    /// markup are not.
    /// </summary>
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>What it may do with a page that is not ours, which has styles and fonts in its markup: still nothing that comes from elsewhere.</summary>
    private const string PolicyOfOthers =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly FrozenDictionary<string, string> Types = new Dictionary<string, string>
    {
        [".html"] = "text/html; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".svg"] = "image/svg+xml",
        [".txt"] = "text/plain; charset=utf-8",
    }.ToFrozenDictionary();

    private readonly FrozenDictionary<string, Lazy<PageFile>> _files =
        typeof(PageFiles).Assembly.GetManifestResourceNames().ToFrozenDictionary(name => name, name => new Lazy<PageFile>(() => PageFile.Read(name)));

    /// <summary>Names of the files, with their folders.</summary>
    public IEnumerable<string> Names => _files.Keys;

    /// <summary>Headers of everything that is served.</summary>
    /// <param name="response">What is answered.</param>
    /// <param name="isOurs">Whether it belongs to our page.</param>
    public static void Protect(HttpResponse response, bool isOurs)
    {
        IHeaderDictionary headers = response.Headers;
        headers.ContentSecurityPolicy = isOurs ? Policy : PolicyOfOthers;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
    }

    /// <summary>Serves a file.</summary>
    public async Task ServeAsync(HttpContext context, string name)
    {
        HttpResponse response = context.Response;
        PageFile file = _files[name].Value;
        response.Headers.ETag = file.Tag;
        response.Headers.CacheControl = "no-cache";
        response.Headers.Vary = "Accept-Encoding";
        if (context.Request.Headers.IfNoneMatch.Contains(file.Tag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        response.ContentType = Types[Path.GetExtension(name)];
        bool packed = context.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase);
        byte[] content = packed ? file.Packed : file.Plain;
        if (packed)
        {
            response.Headers.ContentEncoding = "gzip";
        }

        response.ContentLength = content.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.Body.WriteAsync(content, context.RequestAborted);
        }
    }

    private sealed record PageFile(byte[] Plain, byte[] Packed, string Tag)
    {
        public static PageFile Read(string name)
        {
            using Stream stream = typeof(PageFiles).Assembly.GetManifestResourceStream(name)!;
            using var plain = new MemoryStream();
            stream.CopyTo(plain);
            using var packed = new MemoryStream();
            using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            {
                gzip.Write(plain.GetBuffer(), 0, (int)plain.Length);
            }

            byte[] bytes = plain.ToArray();
            return new PageFile(bytes, packed.ToArray(), $"\"{Convert.ToHexStringLower(SHA256.HashData(bytes))[..16]}\"");
        }
    }
}
