namespace MoEActors.Tests.Runtime.Grains;

/// <summary>A message with every kind of member.</summary>
[GenerateSerializer]
public class Message
{
    [Id(1)]
    private int _private = 3;

    [Id(0)]
    public int[] Numbers { get; set; } = [1, 2, 3];

    [Id(2)]
    public string? Init { get; init; }

    [Id(3)]
    public Message? Next { get; set; }

    [NonSerialized]
    public int Forgotten = 5;

    public void SetPrivate(int value) => _private = value;

    public int GetPrivate() => _private;
}
