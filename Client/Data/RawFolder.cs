using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace MoEActors.Client.Data;

/// <summary>
/// What a folder of Linux holds whose names are no UTF-8: an old archive's, for example. .NET reads such a name with replacement characters, and then there is
/// no file of that name; here it stays the bytes that it is.
/// </summary>
internal static partial class RawFolder
{
    // struct dirent64 of Linux: d_ino (8 bytes), d_off (8), d_reclen (2), d_type (1), d_name.
    private const int TypeOffset = 18;
    private const int NameOffset = 19;
    private const byte FolderType = 4;
    private const byte FileType = 8;

    private const int ReadOnlyAndClosedOnExec = 0x80000;

    /// <summary>Whether a name that .NET read has lost bytes, or may have.</summary>
    public static bool IsLossy(ReadOnlySpan<char> name) => OperatingSystem.IsLinux() && name.Contains('\uFFFD');

    /// <summary>Everything in a folder that is not hidden.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static IReadOnlyList<RawEntry> EntriesOf(byte[] folder)
    {
        nint stream = OpenFolder([.. folder, 0]);
        if (stream == 0)
        {
            throw new IOException($"The folder '{Shown(folder)}' cannot be opened.");
        }

        try
        {
            List<RawEntry> entries = [];
            for (nint entry = ReadFolder(stream); entry != 0; entry = ReadFolder(stream))
            {
                byte[] name = NameAt(entry + NameOffset);
                if (name[0] != '.')
                {
                    byte type = Marshal.ReadByte(entry, TypeOffset);
                    entries.Add(new RawEntry([.. folder, (byte)'/', .. name], name, type == FolderType, type == FileType));
                }
            }

            return entries;
        }
        finally
        {
            _ = CloseFolder(stream);
        }
    }

    /// <summary>Opens a file to read it.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public static FileStream OpenRead(byte[] path)
    {
        int handle = Open([.. path, 0], ReadOnlyAndClosedOnExec);
        return handle >= 0
            ? new FileStream(new SafeFileHandle(handle, ownsHandle: true), FileAccess.Read)
            : throw new IOException($"The file '{Shown(path)}' cannot be opened.");
    }

    /// <summary>A name as text, with the bytes that are no UTF-8 as \xNN.</summary>
    public static string Shown(ReadOnlySpan<byte> name)
    {
        var shown = new StringBuilder();
        while (!name.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(name, out Rune rune, out int length) == System.Buffers.OperationStatus.Done)
            {
                shown.Append(rune);
            }
            else
            {
                length = 1;
                shown.Append(CultureInfo.InvariantCulture, $"\\x{name[0]:x2}");
            }

            name = name[length..];
        }

        return shown.ToString();
    }

    private static byte[] NameAt(nint address)
    {
        List<byte> name = [];
        for (byte value = Marshal.ReadByte(address); value != 0; value = Marshal.ReadByte(++address))
        {
            name.Add(value);
        }

        return [.. name];
    }

    [LibraryImport("libc", EntryPoint = "opendir")]
    private static partial nint OpenFolder(byte[] path);

    [LibraryImport("libc", EntryPoint = "readdir")]
    private static partial nint ReadFolder(nint folder);

    [LibraryImport("libc", EntryPoint = "closedir")]
    private static partial int CloseFolder(nint folder);

    [LibraryImport("libc", EntryPoint = "open")]
    private static partial int Open(byte[] path, int flags);
}

/// <summary>Something in a folder.</summary>
/// <param name="Path">Its path.</param>
/// <param name="Name">Its name.</param>
/// <param name="IsFolder">Whether it is a folder.</param>
/// <param name="IsFile">Whether it is a regular file; neither a link, a pipe nor a device is.</param>
internal readonly record struct RawEntry(byte[] Path, byte[] Name, bool IsFolder, bool IsFile);
