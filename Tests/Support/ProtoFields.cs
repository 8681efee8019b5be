using System.Buffers.Binary;

namespace MoEActors.Tests.Support;

/// <summary>Takes messages of protocol buffers apart, without knowing what they are.</summary>
internal static class ProtoFields
{
    /// <summary>The fields of a message: integers and numbers of 64 bits as ulong, numbers of 32 bits as uint, everything else as bytes.</summary>
    public static List<(int Number, object Value)> Of(byte[] message)
    {
        List<(int, object)> fields = [];
        int at = 0;
        while (at < message.Length)
        {
            ulong key = Varint();
            int field = (int)(key >> 3);
            switch (key & 7)
            {
                case 0:
                    fields.Add((field, Varint()));
                    break;
                case 1:
                    fields.Add((field, BinaryPrimitives.ReadUInt64LittleEndian(message.AsSpan(at, 8))));
                    at += 8;
                    break;
                case 2:
                    int length = (int)Varint();
                    fields.Add((field, message.AsSpan(at, length).ToArray()));
                    at += length;
                    break;
                case 5:
                    fields.Add((field, BinaryPrimitives.ReadUInt32LittleEndian(message.AsSpan(at, 4))));
                    at += 4;
                    break;
                default:
                    throw new InvalidDataException($"There is no wire type {key & 7}.");
            }
        }

        return fields;

        ulong Varint()
        {
            ulong value = 0;
            for (int shift = 0; ; shift += 7)
            {
                byte part = message[at++];
                value |= (ulong)(part & 0x7f) << shift;
                if ((part & 0x80) == 0)
                {
                    return value;
                }
            }
        }
    }
}
