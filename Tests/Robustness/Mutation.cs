using System.Text;

namespace MoEActors.Tests.Robustness;

/// <summary>Spoils a valid input: at random bytes, and where readers of JSON trust most - numbers, names, nesting.</summary>
internal static class Mutation
{
    private static readonly byte[][] Nasty =
    [
        .. new[]
        {
            "null", "true", "-1", "0", "1", "2", "-0.5", "1e999", "-1e999", "1e-400", "2147483647", "2147483648", "-2147483649", "4294967296",
            "9223372036854775807", "-9223372036854775808", "9223372036854775808", "99999999999999999999999999", "1.0", "01", "NaN", "Infinity",
            "\"\"", "\"x\"", "\"\\ud800\"", "\"\\u0000\"", "\"../../etc/passwd\"", "\"F16\"", "\"softmax\"", "[]", "{}", "[null]", "[[]]", "{\"a\":{}}",
            "[0,0]", "[-1]", "[2147483647,2147483647,2147483647]", "[0,2147483647,2147483647,2147483647,2147483647]", "[8,0]", "[-8,8]", "[1,1,1,1,1]",
            "\"" + new string('a', 300) + "\"", new string('[', 100) + new string(']', 100), new string('[', 70),
            string.Concat(Enumerable.Repeat("{\"a\":", 80)), "[" + string.Concat(Enumerable.Repeat("1,", 200)) + "1]",
        }.Select(Encoding.UTF8.GetBytes),
        [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [(byte)'"', 0xF5, (byte)'"'], [0], [0xEF, 0xBB, 0xBF],
    ];

    /// <summary>One to four mutations.</summary>
    public static byte[] Of(byte[] input, Random random)
    {
        List<byte> bytes = [.. input];
        for (int count = random.Next(1, 5); count > 0; count--)
        {
            Once(bytes, random);
        }

        return [.. bytes];
    }

    private static void Once(List<byte> bytes, Random random)
    {
        int at = random.Next(bytes.Count + 1);
        int some = random.Next(1, 9);
        byte[] nasty = Nasty[random.Next(Nasty.Length)];
        switch (random.Next(8))
        {
            case 0 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when at < bytes.Count:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                bytes.RemoveRange(at, Math.Min(some, bytes.Count - at));
                break;
            case 3:
                // Doubles names, brackets and whole members.
                bytes.InsertRange(random.Next(bytes.Count + 1), bytes.GetRange(at, Math.Min(10 * some, bytes.Count - at)));
                break;
            case 4 when random.Next(4) == 0:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 5:
                bytes.InsertRange(at, nasty);
                break;
            default:
                ReplaceValue(bytes, at, nasty);
                break;
        }
    }

    /// <summary>Puts another value where one begins behind a colon, comma or bracket.</summary>
    private static void ReplaceValue(List<byte> bytes, int from, byte[] value)
    {
        int start = bytes.FindIndex(from, one => one is (byte)':' or (byte)',' or (byte)'[') + 1;
        if (start > 0)
        {
            int end = bytes.FindIndex(start, one => one is (byte)',' or (byte)'}' or (byte)']');
            bytes.RemoveRange(start, (end < 0 ? bytes.Count : end) - start);
            bytes.InsertRange(start, value);
        }
    }
}
