using MoEActors.Modules.Checkpoints;

namespace MoEActors.Tests.Support;

/// <summary>A disk with so much room: a write beyond it fails half-way, as with ENOSPC, and what was written can be deleted again.</summary>
internal sealed class FullDiskFileStore : IFileStore
{
    private readonly DiskFileStore _disk = new();

    /// <summary>Bytes that can still be written.</summary>
    public long Room { get; set; } = long.MaxValue;

    public void Write(string path, Action<Stream> content)
    {
        lock (_disk)
        {
            _disk.Write(path, file => content(new Narrow(this, file)));
        }
    }

    public void Delete(string path) => _disk.Delete(path);

    private sealed class Narrow(FullDiskFileStore disk, Stream file) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => file.Length;

        public override long Position { get => file.Position; set => throw new NotSupportedException(); }

        public override void Write(byte[] buffer, int offset, int count)
        {
            int fits = (int)Math.Min(count, disk.Room);
            file.Write(buffer, offset, fits);
            disk.Room -= fits;
            if (fits < count)
            {
                throw new IOException("No space left on device", 28);
            }
        }

        public override void Flush() => file.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
